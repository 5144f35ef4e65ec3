// Links and moving groups between regions: asked of the mirror's admin server.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <iostream>

#include "cli/commands/commands.h"

namespace meridian::cli {
namespace {

namespace json = boost::json;

/// GET or POST; null after telling why. `http_status` as answered.
json::value ask(Session& session, const std::string& method, const std::string& path, const std::string& query, const std::string& body, int& exit_code) {
  auto response = session.call_mirror({.method = method, .path = path, .query = query, .body = body});
  if (!response) {
    exit_code = tell(response.error());
    return nullptr;
  }
  boost::system::error_code error;
  auto value = json::parse(response->body, error);
  if (error) {
    complain("mirror " + session.mirror + " did not answer JSON");
    exit_code = failed;
    return nullptr;
  }
  if (response->status == 200) {
    exit_code = done;
    return value;
  }
  const auto* why = value.is_object() ? value.as_object().if_contains(response->status == 409 ? "refused" : "error") : nullptr;
  complain(why ? to_text(*why) : "mirror answered " + std::to_string(response->status));
  exit_code = response->status == 409 ? refused : response->status == 400 ? usage : failed;
  return nullptr;
}

std::string seconds(const json::value& milliseconds) {
  if (!milliseconds.is_int64()) return "unknown";
  const auto ms = milliseconds.as_int64();
  return std::to_string(ms / 1000) + "." + std::to_string(ms % 1000 / 100) + "s";
}

void print_positions(const json::value& groups) {
  json::array rows;
  for (const auto& group : groups.as_array())
    for (const auto& partition : group.at("partitions").as_array()) {
      json::object row = partition.as_object();
      row["group"] = group.at("group");
      rows.push_back(std::move(row));
    }
  print_rows(Format::table, rows,
             {{"GROUP", "group"},
              {"TOPIC", "topic"},
              {"PART", "partition"},
              {"SOURCE-OFFSET", "source_offset"},
              {"REMOTE-TOPIC", "remote_topic"},
              {"TARGET-OFFSET", "target_offset"},
              {"EXACT", "exact"}});
}

}  // namespace

int link_list(Session& session) {
  int code = done;
  const auto links = ask(session, "GET", "/v1/links", "", "", code);
  if (!links.is_array()) return code;
  json::array rows;
  for (const auto& link : links.as_array()) {
    json::object row = link.as_object();
    row["behind"] = seconds(link.at("behind_ms"));
    row["lag"] = link.at("at_risk").at("records");
    rows.push_back(std::move(row));
  }
  print_rows(session.format, session.format == Format::table ? json::value(rows) : links,
             {{"LINK", "link"},
              {"SOURCE", "source"},
              {"TARGET", "target"},
              {"STATE", "state"},
              {"BEHIND", "behind"},
              {"LAG", "lag"},
              {"SOURCE-UP", "source_reachable"},
              {"TARGET-UP", "target_reachable"}});
  return code;
}

int link_status(Session& session, const LinkArguments& arguments) {
  int code = done;
  const auto link = ask(session, "GET", "/v1/links/" + arguments.link, "", "", code);
  if (!link.is_object()) return code;
  if (session.format != Format::table) {
    print_object(session.format, link);
    return code;
  }
  std::cout << "LINK " << to_text(link.at("link")) << "  " << to_text(link.at("source")) << " -> " << to_text(link.at("target")) << "  STATE "
            << to_text(link.at("state")) << "  NAMING " << to_text(link.at("naming")) << "  FENCE " << to_text(link.at("fence")) << "\n"
            << "BEHIND " << seconds(link.at("behind_ms")) << "  LAG " << to_text(link.at("at_risk").at("records")) << "  COPIED "
            << to_text(link.at("records_copied")) << "  SOURCE " << (link.at("source_reachable").as_bool() ? "up" : "down") << "  TARGET "
            << (link.at("target_reachable").as_bool() ? "up" : "down") << "\n";
  json::array rows;
  for (const auto& [topic, state] : link.at("topics").as_object())
    for (const auto& partition : state.at("partitions").as_array()) {
      json::object row = partition.as_object();
      row["topic"] = topic;
      row["remote"] = state.at("remote_topic");
      rows.push_back(std::move(row));
    }
  print_rows(Format::table, rows,
             {{"TOPIC", "topic"},
              {"PART", "partition"},
              {"STATE", "state"},
              {"SRC-END", "source_end"},
              {"COPIED-TO", "source_next"},
              {"LAG", "lag"},
              {"REMOTE-TOPIC", "remote"},
              {"DST-END", "target_next"},
              {"PROBLEM", "problem"}});
  return code;
}

int link_groups(Session& session, const LinkArguments& arguments) {
  int code = done;
  const auto answer = ask(session, "GET", "/v1/links/" + arguments.link + "/groups", "", "", code);
  if (!answer.is_object()) return code;
  json::array groups;
  bool all_ready = true;
  for (const auto& group : answer.at("groups").as_array()) {
    if (!arguments.groups.empty() && std::ranges::find(arguments.groups, to_text(group.at("group"))) == arguments.groups.end()) continue;
    all_ready &= group.at("ready").as_bool();
    groups.push_back(group);
  }
  if (!arguments.groups.empty() && groups.size() != arguments.groups.size()) {
    complain("not followed by link " + arguments.link + " (yet)");
    return not_met;
  }
  if (session.format != Format::table) {
    print_rows(session.format, groups, {});
  } else {
    json::array rows;
    for (const auto& group : groups)
      for (const auto& partition : group.at("partitions").as_array()) {
        json::object row = partition.as_object();
        row["group"] = group.at("group");
        row["ready"] = partition.at("exact").as_bool() && group.at("committed_on_target").as_bool() ? "yes" : "waits for data";
        rows.push_back(std::move(row));
      }
    print_rows(Format::table, rows,
               {{"GROUP", "group"},
                {"TOPIC", "topic"},
                {"PART", "partition"},
                {"SRC-COMMIT", "source_offset"},
                {"TRANSLATED", "target_offset"},
                {"DST-END", "target_end"},
                {"REPLAYS", "replays"},
                {"SKIPS", "skips"},
                {"READY", "ready"}});
  }
  return all_ready ? done : not_met;
}

int link_history(Session& session, const LinkArguments& arguments) {
  int code = done;
  const auto answer = ask(session, "GET", "/v1/links/" + arguments.link + "/history", "", "", code);
  if (!answer.is_object()) return code;
  if (const auto* error = answer.as_object().if_contains("error")) {
    complain(to_text(*error));
    return failed;
  }
  print_rows(session.format, answer.at("history"),
             {{"AT-MS", "at_ms"}, {"ACTION", "action"}, {"FROM", "from"}, {"TO", "to"}, {"STATE", "state"}, {"TOOK-MS", "took_ms"}});
  return code;
}

int mirror_move(Session& session, const LinkArguments& arguments, const std::string& action) {
  json::object body{{"dry_run", session.dry_run}};
  if (!arguments.groups.empty()) body["groups"] = json::array(arguments.groups.begin(), arguments.groups.end());
  int code = done;
  const auto report = ask(session, "POST", "/v1/links/" + arguments.link + "/" + action, "", json::serialize(body), code);
  if (!report.is_object()) return code;
  if (session.format != Format::table) {
    print_object(session.format, report);
    return code;
  }
  std::cout << (session.dry_run ? "PLAN  " : "DONE  ") << action << " " << to_text(report.at("from")) << " -> " << to_text(report.at("to"));
  if (const auto* took = report.as_object().if_contains("took_ms")) std::cout << "  in " << to_text(*took) << " ms";
  std::cout << "\n";
  if (const auto* risk = report.as_object().if_contains("at_risk")) {
    const auto* ago = risk->as_object().if_contains("source_last_seen_ms_ago");
    std::cout << "AT RISK  " << (risk->at("records").is_null() ? "unknown" : to_text(risk->at("records"))) << " records not crossed, as last known "
              << (ago ? seconds(*ago) + " ago" : "never") << "\n";
  }
  if (const auto* warning = report.as_object().if_contains("warning")) complain(to_text(*warning));
  print_positions(report.at("groups"));
  return code;
}

int mirror_translate(Session& session, const LinkArguments& arguments) {
  int code = done;
  const std::string query = "topic=" + arguments.topic + "&partition=" + std::to_string(arguments.partition) + "&offset=" + std::to_string(arguments.offset) +
                            (arguments.reverse ? "&reverse=true" : "");
  const auto answer = ask(session, "GET", "/v1/links/" + arguments.link + "/translate", query, "", code);
  if (!answer.is_object()) return code;
  print_object(session.format, answer);
  return answer.at("to").is_null() ? not_met : code;
}

}  // namespace meridian::cli
