#include "mirror/mirror.h"

#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <fstream>

namespace meridian::mirror {
namespace {

namespace json = boost::json;

io::HttpResponse answer(const json::value& value, int status = 200) {
  return {.status = status, .content_type = "application/json", .body = json::serialize(value) + "\n"};
}

std::string query_value(const std::string& query, std::string_view key) {
  for (std::string_view rest = query; !rest.empty();) {
    const auto end = rest.find('&');
    const auto pair = rest.substr(0, end);
    if (pair.starts_with(key) && pair.size() > key.size() && pair[key.size()] == '=') return std::string(pair.substr(key.size() + 1));
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  return "";
}

/// {"dry_run": bool, "groups": [..]}; an empty body means the defaults.
Result<MoveOptions> parse_options(const std::string& body) {
  MoveOptions options;
  if (body.empty()) return options;
  boost::system::error_code error;
  const auto value = json::parse(body, error);
  if (error || !value.is_object()) return fail(Errc::invalid, "the body is not a JSON object");
  for (const auto& [key, entry] : value.as_object()) {
    if (key == "dry_run" && entry.is_bool()) options.dry_run = entry.as_bool();
    else if (key == "groups" && entry.is_array()) {
      for (const auto& group : entry.as_array())
        if (group.is_string()) options.groups.emplace_back(group.as_string());
    } else return fail(Errc::invalid, "unknown or mistyped field '" + std::string(key) + "'");
  }
  return options;
}

}  // namespace

Mirror::Mirror(MirrorConfig config, io::Network& network, boost::asio::io_context& context, async::Clock& clock)
    : config_(std::move(config)), http_(network, context, clock, [this](io::HttpRequest request) { return handle(std::move(request)); }) {
  for (const auto& link : config_.links) links_.push_back(std::make_unique<Link>(link, config_, network, context, clock, registry_));
  const std::pair<const char*, const char*> gauges[] = {
      {"meridian_mirror_source_reachable", "1 while the source answers"},
      {"meridian_mirror_target_reachable", "1 while the target answers"},
      {"meridian_mirror_lag_records", "Records on the source that are not on the target; absent while the source is unreachable"},
      {"meridian_mirror_gaps", "Times that source retention removed records before they were copied"},
      {"meridian_mirror_replicated_through_timestamp_seconds", "Time through which the source is replicated, from heartbeats on the data path"},
      {"meridian_mirror_topic_state", "Partitions per state"},
      {"meridian_mirror_group_ready", "1 when a group could move with nothing read again or skipped"}};
  for (const auto& [name, help] : gauges)
    registry_.gauge(name, help, [this, metric = std::string(name)](const metrics::Registry::Emit& emit) {
      for (const auto& link : links_) link->emit_metrics(metric, emit);
    });
  registry_.gauge("process_resident_memory_bytes", "Resident memory", [](const metrics::Registry::Emit& emit) {
    std::ifstream statm("/proc/self/statm");
    double total = 0, resident = 0;
    if (statm >> total >> resident) emit("", resident * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  });
}

Result<io::Endpoint> Mirror::start() {
  auto bound = http_.listen(config_.admin);
  if (!bound) return bound;
  http_.start();
  for (auto& link : links_) link->start();
  return bound;
}

Task<> Mirror::stop() {
  co_await http_.stop();
  for (auto& link : links_) co_await link->stop();
}

Link* Mirror::find(std::string_view name) {
  for (auto& link : links_)
    if (link->name() == name) return link.get();
  return nullptr;
}

Task<io::HttpResponse> Mirror::handle(io::HttpRequest request) {
  if (request.path == "/metrics") co_return io::HttpResponse{.status = 200, .content_type = "text/plain; version=0.0.4", .body = registry_.text()};
  if (request.path == "/healthz") co_return io::HttpResponse{.status = 200, .content_type = "text/plain", .body = "ok\n"};
  constexpr std::string_view prefix = "/v1/links";
  if (request.path == prefix) {
    json::array all;
    for (const auto& link : links_) all.push_back(link->status());
    co_return answer(all);
  }
  if (request.path.starts_with("/v1/links/")) {
    const std::string rest = request.path.substr(prefix.size() + 1);
    const auto slash = rest.find('/');
    Link* link = find(rest.substr(0, slash));
    if (!link) co_return answer(json::object{{"error", "no link of that name"}}, 404);
    co_return co_await handle_link(*link, slash == std::string::npos ? "" : rest.substr(slash + 1), std::move(request));
  }
  co_return answer(json::object{{"error", "not found: /metrics, /healthz, /v1/links"}}, 404);
}

Task<io::HttpResponse> Mirror::handle_link(Link& link, std::string action, io::HttpRequest request) {
  if (request.method == "GET") {
    if (action.empty()) co_return answer(link.status());
    if (action == "groups") co_return answer(link.group_status());
    if (action == "history") co_return answer(co_await link.history());
    if (action == "translate") {
      std::int64_t partition = -1, offset = -1;
      const auto parse = [&](const char* key, std::int64_t& out) {
        const auto text = query_value(request.query, key);
        return std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc();
      };
      if (!parse("partition", partition) || !parse("offset", offset)) co_return answer(json::object{{"error", "topic, partition and offset are needed"}}, 400);
      const auto result =
          link.translate(query_value(request.query, "topic"), static_cast<std::int32_t>(partition), offset, query_value(request.query, "reverse") == "true");
      co_return result ? answer(*result) : answer(json::object{{"error", result.error().message}}, 404);
    }
  } else if (request.method == "POST" && (action == "failover" || action == "failback")) {
    auto options = parse_options(request.body);
    if (!options) co_return answer(json::object{{"error", options.error().message}}, 400);
    int status = 200;
    auto report = action == "failover" ? co_await link.failover(std::move(*options), status) : co_await link.failback(std::move(*options), status);
    co_return answer(report, status);
  }
  co_return answer(json::object{{"error", "not found: groups, history, translate, failover, failback"}}, 404);
}

}  // namespace meridian::mirror
