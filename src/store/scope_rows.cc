#include "store/scope_rows.h"

#include "store/row_errors.h"

namespace latchkey::store {

Result<std::vector<core::NumberedScope>> list_scope_rows(ReadTx& tx) {
  std::vector<core::NumberedScope> scopes;
  LK_CHECK(tx.connection().run(
      "SELECT number, identifier, declaration, is_withdrawn FROM declared_scopes ORDER BY number",
      {}, [&](const Row& row) -> Result<void> {
        LK_TRY(core::DeclaredScope scope, core::parse_declared_scope(row.text(2)));
        const int64_t number = row.integer(0);
        if (number < core::kDeclaredNumberFirst || number > core::kDeclaredNumberLast ||
            scope.identifier != row.text(1)) {
          row.refuse();
          return {};
        }
        scopes.push_back({std::move(scope), {static_cast<uint8_t>(number)}, row.boolean(3)});
        return {};
      }));
  return scopes;
}

Result<void> upsert_scope_row(WriteTx& tx, const core::NumberedScope& scope) {
  return expect_one(with_field(
      tx.connection().run("INSERT INTO declared_scopes (number, identifier, declaration, "
                          "is_withdrawn) VALUES ($1, $2, $3, $4) "
                          "ON CONFLICT (number) DO UPDATE SET identifier = excluded.identifier, "
                          "declaration = excluded.declaration, "
                          "is_withdrawn = excluded.is_withdrawn",
                          {int{scope.number.value}, scope.scope.identifier,
                           core::format_declared_scope(scope.scope), scope.is_withdrawn}),
      "identifier", "name"));
}

}  // namespace latchkey::store
