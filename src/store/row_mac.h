// The MACs of rows of people, memberships, sessions, links, organizations and clients.
//
// Each of these rows carries a MAC under the row key over what decides. The functions of the
// *_rows.cc files compute it where they write and check it where they read: a row that was written
// past the server is as if it were not there, and is reported. Thread safety: the functions are
// pure; a RowCheck as of its transaction. Spec: docs/spec/row-mac.md, M6 and after.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/client_rows.h"
#include "store/identity_rows.h"
#include "store/organization_rows.h"
#include "store/store.h"

namespace latchkey::store {

Digest person_mac(const Hmac& row_key, const PersonRow& row);
Digest membership_mac(const Hmac& row_key, const core::Membership& membership);
Digest session_mac(const Hmac& row_key, const SessionRow& row);
Digest link_mac(const Hmac& row_key, const LinkRow& row);
Digest organization_mac(const Hmac& row_key, const core::Organization& organization);
Digest client_mac(const Hmac& row_key, const ClientRow& row);

// What is done about a row that is not ours: left out and logged, or the read ends.
enum class OnForged { skip, fail };

// Tells which rows of one read are ours. At its end it logs the first that is not, and how many.
class RowCheck {
 public:
  // `table` is what the log calls it; it must live as long as the check.
  RowCheck(ReadTx& tx, std::string_view table, OnForged on_forged = OnForged::skip)
      : tx_(tx), table_(table), on_forged_(on_forged) {}
  ~RowCheck();
  RowCheck(const RowCheck&) = delete;
  RowCheck& operator=(const RowCheck&) = delete;

  // Whether the row is ours: its column holds `stored`, which `mac_of` gives under a row key that
  // is here. `name` gives what the row is called. Errors: integrity_violated (it is not, and
  // OnForged::fail was asked for).
  template <class MacOf>
  Result<bool> is_ours(const MacOf& mac_of, std::span<const uint8_t> stored,
                       const std::function<std::string()>& name) {
    if (tx_.row_keys().verifies(stored, mac_of)) return true;
    return refuse(name);
  }
  size_t forged() const { return forged_; }

 private:
  Result<bool> refuse(const std::function<std::string()>& name);

  ReadTx& tx_;
  const std::string_view table_;
  const OnForged on_forged_;
  std::string first_;
  size_t forged_ = 0;
};

// A full page although rows may be left out. `select(after, limit, rows)` appends what is ours of
// the next `limit` rows and returns the position of the last one, or nothing if there are no more.
template <class T, class Select>
Result<std::vector<T>> fill_page(std::string_view after, int limit, const Select& select) {
  std::vector<T> rows;
  std::optional<std::string> position(after);
  while (position && static_cast<int>(rows.size()) < limit) {
    const std::string from = *position;
    LK_TRY(position, select(from, limit - static_cast<int>(rows.size()), rows));
  }
  return rows;
}

}  // namespace latchkey::store
