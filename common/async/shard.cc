#include "common/async/shard.h"

#include <pthread.h>

namespace meridian::async {
namespace {
thread_local const Shard* current_shard = nullptr;
}

// Hint 1: one thread runs it, others post to it. The UNSAFE hint would forbid those posts.
Shard::Shard(int id, Clock& clock) : id_(id), clock_(clock), owned_(std::make_unique<boost::asio::io_context>(1)), context_(owned_.get()) {}

Shard::Shard(int id, Clock& clock, boost::asio::io_context& driven) : id_(id), clock_(clock), context_(&driven) {}

Shard::~Shard() { stop(); }

bool Shard::is_current() const { return !owned_ || current_shard == this; }

void Shard::start(bool pin) {
  work_.emplace(context_->get_executor());
  thread_ = std::thread([this, pin] {
    current_shard = this;
    if (pin) {
      cpu_set_t set;
      CPU_ZERO(&set);
      CPU_SET(static_cast<unsigned>(id_) % std::max(1u, std::thread::hardware_concurrency()), &set);
      pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    }
    context_->run();
  });
}

void Shard::stop() {
  work_.reset();
  if (thread_.joinable()) thread_.join();
}

}  // namespace meridian::async
