// meridian: the command line. This file knows CLI11; what the commands do is in cli/commands.
#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>

#include "cli/commands/commands.h"
#include "cli/kafka/tools.h"
#include "common/config/settings.h"

namespace {

using namespace meridian;
using namespace meridian::cli;

struct Arguments {
  Session session;
  TopicArguments topic;
  GroupArguments group;
  LinkArguments link;
  DevArguments dev;
  BenchArguments bench;
  std::string shell;
  std::vector<std::string> words;
  std::string output = "table";
  std::function<int()> run;
};

CLI::App* verb(CLI::App& parent, Arguments& arguments, const std::string& name, const std::string& help, std::function<int()> run) {
  auto* command = parent.add_subcommand(name, help);
  command->callback([&arguments, run = std::move(run)] { arguments.run = run; });
  return command;
}

void add_topic(CLI::App& app, Arguments& a) {
  auto* topic = app.add_subcommand("topic", "Create, look at, change, fill and read topics");
  topic->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, Task<Result<int>> (*command)(Session&, client::Cluster&, const TopicArguments&), bool named = true) {
    auto* made = verb(*topic, a, name, help, [&a, command] { return a.session.with_cluster(command, a.topic); });
    if (named) made->add_option("topic", a.topic.names, "topic names")->required();
    return made;
  };
  auto* create = add("create", "Create topics", &topic_create);
  create->add_option("-p,--partitions", a.topic.partitions, "partitions (default: the broker's num.partitions)");
  create->add_option("-r,--replicas", a.topic.replicas, "replicas (default: the broker's)");
  create->add_option("-c,--config", a.topic.configs, "KEY=VALUE, repeatable")->allow_extra_args(false);
  add("list", "List topics", &topic_list, false)->add_flag("--internal", a.topic.details, "internal topics too");
  add("describe", "Partitions, offsets and configuration", &topic_describe);
  add("alter", "Change configuration", &topic_alter)
      ->add_option("-c,--config", a.topic.configs, "KEY=VALUE, or KEY alone for the default; repeatable")
      ->required()
      ->allow_extra_args(false);
  add("delete", "Delete topics with their records", &topic_delete);
  add("add-partitions", "Grow topics", &topic_add_partitions)->add_option("-p,--partitions", a.topic.partitions, "new total")->required();
  add("produce", "Produce lines from stdin", &topic_produce)->add_option("-p,--partition", a.topic.partitions, "partition (default: round robin)");
  add("consume", "Print the records that are there now", &topic_consume);
}

void add_group(CLI::App& app, Arguments& a) {
  auto* group = app.add_subcommand("group", "Consumer groups");
  group->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, Task<Result<int>> (*command)(Session&, client::Cluster&, const GroupArguments&), bool named = true) {
    auto* made = verb(*group, a, name, help, [&a, command] { return a.session.with_cluster(command, a.group); });
    if (named) made->add_option("group", a.group.names, "group ids")->required();
    return made;
  };
  add("list", "List groups", &group_list, false);
  add("describe", "Offsets, ends and lag", &group_describe);
  add("delete", "Delete groups without members", &group_delete);
  auto* seek = add("seek", "Move a group's offsets on a topic", &group_seek);
  seek->add_option("--topic", a.group.topic, "topic")->required();
  seek->add_option("--to", a.group.to, "start, end, an offset, or @milliseconds since 1970")->required();
  auto* readiness = verb(*group, a, "readiness", "Can groups move over a link now, and what would they read again?", [&a] {
    a.link.groups = a.group.names;
    return link_groups(a.session, a.link);
  });
  readiness->add_option("group", a.group.names, "group ids (default: all)");
  readiness->add_option("--link", a.link.link, "link name, e.g. us-eu")->required();
}

void add_links(CLI::App& app, Arguments& a) {
  auto* link = app.add_subcommand("link", "Links between regions, as the mirror sees them");
  link->require_subcommand(1);
  verb(*link, a, "list", "List links", [&a] { return link_list(a.session); });
  verb(*link, a, "status", "Topics and partitions of a link", [&a] { return link_status(a.session, a.link); })
      ->add_option("link", a.link.link, "link name")
      ->required();
  verb(*link, a, "groups", "Groups of a link", [&a] { return link_groups(a.session, a.link); })->add_option("link", a.link.link, "link name")->required();
  verb(*link, a, "history", "Failovers, failbacks and gaps", [&a] { return link_history(a.session, a.link); })
      ->add_option("link", a.link.link, "link name")
      ->required();

  auto* mirror = app.add_subcommand("mirror", "Move groups between regions");
  mirror->require_subcommand(1);
  for (const std::string action : {"failover", "failback"}) {
    auto* move = verb(*mirror, a, action,
                      action == "failover" ? "Let groups go on at the link's target; works with the source gone"
                                           : "Let groups go back to the link's source, at the translated offsets",
                      [&a, action] { return mirror_move(a.session, a.link, action); });
    move->add_option("link", a.link.link, "link name")->required();
    move->add_option("-g,--group", a.link.groups, "group id, repeatable (default: all that are followed)")->allow_extra_args(false);
  }
  auto* translate = verb(*mirror, a, "translate-offsets", "Where an offset is on the other side", [&a] { return mirror_translate(a.session, a.link); });
  translate->add_option("link", a.link.link, "link name")->required();
  translate->add_option("--topic", a.link.topic, "source topic")->required();
  translate->add_option("--partition", a.link.partition, "partition");
  translate->add_option("--offset", a.link.offset, "offset")->required();
  translate->add_flag("--reverse", a.link.reverse, "from the target to the source");
}

void add_tools(CLI::App& app, Arguments& a) {
  auto* cluster = app.add_subcommand("cluster", "The cluster itself");
  cluster->require_subcommand(1);
  static const NoArguments nothing;
  verb(*cluster, a, "info", "Brokers", [&a] { return a.session.with_cluster(&cluster_info, nothing); });
  verb(*cluster, a, "health", "Exit 4 unless every partition is led and in sync", [&a] { return a.session.with_cluster(&cluster_health, nothing); });

  auto* dev = app.add_subcommand("dev", "Regions on localhost, to play with");
  dev->require_subcommand(1);
  auto* up = verb(*dev, a, "up", "Start a broker per region and the mirror between them; Ctrl-C stops", [&a] { return dev_up(a.session, a.dev); });
  up->add_option("--regions", a.dev.regions, "comma-separated names")->delimiter(',')->capture_default_str();
  up->add_option("--data-dir", a.dev.directory, "keep data here (default: a temporary folder)");
  up->add_option("--durability", a.dev.durability, "fsync or page-cache")->check(CLI::IsMember({"fsync", "page-cache"}));

  auto* bench = app.add_subcommand("bench", "Load generator, against any Kafka");
  bench->require_subcommand(1);
  for (const bool produce : {true, false}) {
    auto* run = verb(*bench, a, produce ? "produce" : "consume", produce ? "Produce records" : "Consume records",
                     [&a, produce] { return produce ? bench_produce(a.session, a.bench) : bench_consume(a.session, a.bench); });
    run->add_option("--topic", a.bench.topic, "topic, which must exist")->capture_default_str();
    run->add_option("--partitions", a.bench.partitions, "its partitions")->capture_default_str()->check(CLI::PositiveNumber);
    run->add_option("--records", a.bench.records, "how many")->capture_default_str();
    run->add_option("-X", a.bench.properties, "librdkafka KEY=VALUE, repeatable")->allow_extra_args(false);
    if (!produce) continue;
    run->add_option("--size", a.bench.size, "bytes of a record")->capture_default_str();
    run->add_option("--rate", a.bench.rate, "records per second, open loop; 0 = as fast as it goes")->capture_default_str();
    run->add_option("--acks", a.bench.acks, "-1, 0 or 1")->capture_default_str();
    run->add_option("--compression", a.bench.compression, "none, gzip, snappy, lz4 or zstd")->capture_default_str();
  }
}

/// What may follow the words typed so far: verbs, or flags of the verb reached.
int complete(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* at = &app;
  for (std::size_t i = 0; i + 1 < words.size(); ++i)
    for (const auto* child : at->get_subcommands([](const CLI::App*) { return true; }))
      if (child->get_name() == words[i]) {
        at = child;
        break;
      }
  const std::string last = words.empty() ? "" : words.back();
  for (const auto* child : at->get_subcommands([](const CLI::App*) { return true; }))
    if (!child->get_name().starts_with("__") && child->get_name().starts_with(last)) std::cout << child->get_name() << "\n";
  if (last.starts_with("-"))
    for (const auto* option : at->get_options())
      for (const auto& name : option->get_lnames())
        if (("--" + name).starts_with(last)) std::cout << "--" << name << "\n";
  return done;
}

int print_completion(const std::string& shell) {
  if (shell == "bash")
    std::cout << "_meridian() { mapfile -t COMPREPLY < <(\"${COMP_WORDS[0]}\" __complete -- \"${COMP_WORDS[@]:1:COMP_CWORD}\"); }\ncomplete -o default -F "
                 "_meridian meridian\n";
  else if (shell == "zsh")
    std::cout << "#compdef meridian\n_meridian() { local -a found; found=(\"${(@f)$(${words[1]} __complete -- \"${(@)words[2,CURRENT]}\")}\"); compadd -a "
                 "found; }\ncompdef _meridian meridian\n";
  else std::cout << "complete -c meridian -f -a '(meridian __complete -- (commandline -opc)[2..] (commandline -ct))'\n";
  return done;
}

/// "did you mean": the nearest verb to the first word that no verb matched.
std::string suggestion(const CLI::App& app, int argc, char** argv) {
  const CLI::App* at = &app;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.starts_with("-") || (i > 1 && std::string(argv[i - 1]).starts_with("-"))) continue;
    std::vector<std::string> known;
    const CLI::App* next = nullptr;
    for (const auto* child : at->get_subcommands([](const CLI::App*) { return true; })) {
      known.push_back(child->get_name());
      if (child->get_name() == word) next = child;
    }
    if (next) {
      at = next;
      continue;
    }
    const auto hint = config::nearest(word, known);
    return hint ? "; did you mean '" + *hint + "'?" : "";
  }
  return "";
}

}  // namespace

int main(int argc, char** argv) {
  // Called as one of Kafka's scripts, by a link of that name or as the first word.
  const std::string own(argv[0]);
  if (const auto status = run_kafka_tool(own.substr(own.rfind('/') + 1), {argv + 1, argv + argc})) return *status;
  if (argc > 1)
    if (const auto status = run_kafka_tool(argv[1], {argv + 2, argv + argc})) return *status;
  CLI::App app{"Meridian: Kafka-compatible regions and the mirror between them."};
  Arguments a;
  app.require_subcommand(1);
  app.fallthrough();
  app.set_version_flag("--version", "meridian 0.1.0");
  app.add_option("-b,--brokers", a.session.brokers, "bootstrap HOST:PORT[,HOST:PORT]")->envname("MERIDIAN_BROKERS")->capture_default_str();
  app.add_option("--mirror", a.session.mirror, "the mirror's admin HOST:PORT")->envname("MERIDIAN_MIRROR")->capture_default_str();
  app.add_option("-o,--output", a.output, "table, json or yaml")->check(CLI::IsMember({"table", "json", "yaml"}))->capture_default_str();
  app.add_option("--timeout", a.session.timeout_ms, "milliseconds for a call")->capture_default_str();
  app.add_flag("--dry-run", a.session.dry_run, "show what would change, change nothing");
  app.add_flag("--yes", a.session.yes, "do not ask");
  add_topic(app, a);
  add_group(app, a);
  add_links(app, a);
  add_tools(app, a);
  verb(app, a, "completion", "Print a completion script", [&a] { return print_completion(a.shell); })
      ->add_option("shell", a.shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  auto* completing = verb(app, a, "__complete", "", [&] { return complete(app, a.words); });
  completing->add_option("words", a.words);
  completing->group("");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    complain(std::string(error.what()) + suggestion(app, argc, argv));
    return usage;
  }
  a.session.format = a.output == "json" ? Format::json : a.output == "yaml" ? Format::yaml : Format::table;
  try {
    return a.run();
  } catch (const std::exception& error) {
    complain(error.what());
    return failed;
  }
}
