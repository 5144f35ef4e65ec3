// meridian dev up: regions on localhost, without containers: a broker each and a mirror for every ordered pair.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>

#include "cli/commands/commands.h"

extern char** environ;

namespace meridian::cli {
namespace {

namespace fs = std::filesystem;
constexpr int ready_timeout_ms = 15'000;

struct Child {
  std::string name;
  pid_t pid = -1;
  std::string ready;  ///< the line it printed
};

/// Starts a program, its log in `log`, and waits for its line "ready ...".
Result<Child> start(const std::string& name, const std::vector<std::string>& command, const std::string& log) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return fail(Errc::io, "no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  // Its own process group: Ctrl-C reaches us alone, and we stop the children in order.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  std::vector<char*> argv;
  for (const auto& part : command) argv.push_back(const_cast<char*>(part.c_str()));
  argv.push_back(nullptr);
  Child child{.name = name, .pid = -1, .ready = {}};
  const int spawned = ::posix_spawn(&child.pid, argv[0], &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  ::close(fds[1]);
  if (spawned != 0) {
    ::close(fds[0]);
    return fail(Errc::io, "cannot start " + command[0]);
  }
  pollfd waiting{.fd = fds[0], .events = POLLIN, .revents = 0};
  char c = 0;
  while (::poll(&waiting, 1, ready_timeout_ms) > 0 && ::read(fds[0], &c, 1) == 1 && c != '\n') child.ready += c;
  // The pipe stays open: a program whose stdout is gone would be told so at its next line.
  if (child.ready.starts_with("ready")) return child;
  ::kill(child.pid, SIGKILL);
  ::waitpid(child.pid, nullptr, 0);
  return fail(Errc::io, name + " did not get ready; its log is " + log);
}

std::string value_of(const std::string& ready, const std::string& key) {
  const auto at = ready.find(key + "=");
  if (at == std::string::npos) return "";
  const auto from = at + key.size() + 1;
  return ready.substr(from, ready.find(' ', from) - from);
}

void stop(std::vector<Child>& children) {
  for (auto child = children.rbegin(); child != children.rend(); ++child) {
    ::kill(child->pid, SIGTERM);
    ::waitpid(child->pid, nullptr, 0);
  }
}

}  // namespace

int dev_up(Session&, const DevArguments& arguments) {
  const fs::path bin = fs::read_symlink("/proc/self/exe").parent_path();
  std::string pattern = "/tmp/meridian-dev-XXXXXX";
  const bool temporary = arguments.directory.empty();
  const std::string directory = temporary ? ::mkdtemp(pattern.data()) : arguments.directory;
  fs::create_directories(directory);
  std::vector<Child> children;
  std::map<std::string, std::pair<std::string, std::string>> regions;  // kafka, admin
  const auto give_up = [&](const Error& error) {
    complain(error.message);
    stop(children);
    return failed;
  };
  for (const auto& region : arguments.regions) {
    auto child = start("broker " + region,
                       {bin / "meridian-broker", "--data-dir", directory + "/" + region, "--kafka", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--set",
                        "durability=" + arguments.durability},
                       directory + "/" + region + ".log");
    if (!child) return give_up(child.error());
    regions[region] = {value_of(child->ready, "kafka"), value_of(child->ready, "admin")};
    children.push_back(*child);
  }
  const std::string config = directory + "/mirror.yaml";
  {
    std::ofstream out(config);
    out << "clusters:\n";
    for (const auto& [region, at] : regions) out << "  " << region << ": {bootstrap: \"" << at.first << "\"}\n";
    out << "links:\n";
    for (const auto& from : arguments.regions)
      for (const auto& to : arguments.regions)
        if (from != to) out << "  - {source: " << from << ", target: " << to << "}\n";
  }
  std::string mirror_admin;
  if (arguments.regions.size() > 1) {
    auto child = start("mirror", {bin / "meridian-mirror", "--config", config, "--admin", "127.0.0.1:0"}, directory + "/mirror.log");
    if (!child) return give_up(child.error());
    mirror_admin = value_of(child->ready, "admin");
    children.push_back(*child);
  }
  for (const auto& region : arguments.regions)
    std::cout << "region " << region << "  kafka " << regions[region].first << "  admin " << regions[region].second << "\n";
  if (!mirror_admin.empty()) std::cout << "mirror     admin " << mirror_admin << "\n";
  const std::string self = bin / "meridian", from = arguments.regions.front(), to = arguments.regions.back();
  std::cout << "logs and data in " << directory << "\n\nTry:\n  " << self << " -b " << regions[from].first << " topic create orders -p 3\n";
  if (!mirror_admin.empty())
    std::cout << "  " << self << " --mirror " << mirror_admin << " link list\n  " << self << " --mirror " << mirror_admin << " mirror failover " << from << "-"
              << to << " --dry-run\n";
  std::cout << "Ctrl-C stops everything." << std::endl;
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM}) sigaddset(&set, signal);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  int signal = 0;
  sigwait(&set, &signal);
  std::cerr << "stopping\n";
  stop(children);
  if (temporary) {
    std::error_code ignored;
    fs::remove_all(directory, ignored);
  }
  return done;
}

}  // namespace meridian::cli
