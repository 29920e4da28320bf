// Which of several database servers a process speaks to.
//
// libpq tries the hosts of a URL in their order, and waits in vain for one that hangs. So the one
// that committed last is tried first, and after a heartbeat that failed the one after it. Sessions
// with a server that another one has replaced since are given up instead of waited for.
// Thread safety: any thread. Spec: docs/spec/store.md, S49.
#pragma once

#include <libpq-fe.h>

#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "store/postgres_target.h"

namespace latchkey::store {

class PostgresHosts {
 public:
  // What a session remembers of the moment when it was opened.
  struct Mark {
    size_t host = 0;
    uint64_t changes = 0;
  };

  // REQUIRES: `target` outlives this.
  explicit PostgresHosts(const PostgresTarget& target);

  // The parameters of the target; the host to be tried first stands first in their lists.
  std::vector<std::pair<std::string, std::string>> parameters() const;
  // How often another host than before committed first.
  uint64_t changes() const;
  // The mark of a session that was opened now, with changes() as it was before.
  Mark mark(const PGconn* connection, uint64_t changes) const;
  // A heartbeat was committed in the session of `mark`, or it failed there.
  void note_commit(const Mark& mark);
  void note_failure(const Mark& mark);
  // Whether a heartbeat was committed on another host since the session of `mark` was opened.
  bool is_replaced(const Mark& mark) const;

 private:
  const PostgresTarget& target_;
  const size_t count_;
  mutable Mutex mutex_;
  size_t first_ LK_GUARDED_BY(mutex_) = 0;      // to be tried first
  size_t confirmed_ LK_GUARDED_BY(mutex_) = 0;  // committed last
  uint64_t changes_ LK_GUARDED_BY(mutex_) = 0;  // of confirmed_
};

}  // namespace latchkey::store
