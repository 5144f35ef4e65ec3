// IntervalMap: values of ranges of offsets; what is said of a range later replaces what was said before. Neighbours with equal values are one.
#pragma once

#include <algorithm>
#include <map>

#include "common/base/bytes.h"

namespace meridian::base {

template <class T>
class IntervalMap {
 public:
  struct Run {
    Offset last;  ///< inclusive
    T value;
  };
  /// First offset -> run.
  using Runs = std::map<Offset, Run>;

  const Runs& runs() const { return runs_; }
  bool empty() const { return runs_.empty(); }

  /// The range [first, last] has `value` from now on.
  void assign(Offset first, Offset last, T value) {
    erase(first, last);
    auto next = runs_.upper_bound(last);
    if (next != runs_.end() && next->first == last + 1 && next->second.value == value) {
      last = next->second.last;
      next = runs_.erase(next);
    }
    if (next != runs_.begin()) {
      auto& before = std::prev(next)->second;
      if (before.last == first - 1 && before.value == value) {
        before.last = last;
        return;
      }
    }
    runs_.emplace_hint(next, first, Run{last, std::move(value)});
  }

  /// The range [first, last] has no value any more.
  void erase(Offset first, Offset last) {
    auto it = runs_.lower_bound(first);
    if (it != runs_.begin()) {
      const auto before = std::prev(it);
      if (before->second.last >= first) {
        if (before->second.last > last) runs_.emplace(last + 1, before->second);
        before->second.last = first - 1;
      }
    }
    while (it != runs_.end() && it->first <= last) {
      if (it->second.last > last) {
        Run rest = std::move(it->second);
        runs_.erase(it);
        runs_.emplace(last + 1, std::move(rest));
        return;
      }
      it = runs_.erase(it);
    }
  }

  /// Calls visit(first, last, const T* value) for the pieces of [first, last] in order, nullptr where there is no value, until it returns
  /// false. `visit` must not change the map.
  void visit(Offset first, Offset last, auto&& visit) const {
    auto it = runs_.upper_bound(first);
    if (it != runs_.begin() && std::prev(it)->second.last >= first) --it;
    for (Offset at = first; at <= last;) {
      const bool inside = it != runs_.end() && it->first <= at;
      const Offset until = inside ? std::min(last, it->second.last) : it != runs_.end() ? std::min(last, it->first - 1) : last;
      if (!visit(at, until, inside ? &it->second.value : nullptr)) return;
      at = until + 1;
      if (inside) ++it;
    }
  }

 private:
  Runs runs_;
};

}  // namespace meridian::base
