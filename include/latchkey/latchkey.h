/* liblatchkey: checks personal access tokens of a Latchkey server inside your own program.
 *
 * A verifier holds every live token's digest in memory and follows the server's change feed, so a
 * check asks no network and no disk; when the server was not heard for longer than the bound, every
 * check is refused (LK_INDEX_STALE). All functions may be called from any thread, unless they say
 * otherwise. None throws, and none keeps a pointer that it was given beyond the call.
 * Documentation: docs/library.md. */
#ifndef LATCHKEY_LATCHKEY_H
#define LATCHKEY_LATCHKEY_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define LK_API __attribute__((visibility("default")))
#else
#define LK_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Grows with new fields only; each structure begins with its size, which the caller sets. */
#define LK_VERSION_MAJOR 0
#define LK_VERSION_MINOR 1

/* What a check or a call came to. Values are permanent. */
typedef enum lk_result {
  LK_GRANTED = 0, /* of a check: let it through; of another call: done */
  /* Refusals with 503: it is not known. */
  LK_INDEX_STALE = 1, /* the server was not heard for longer than the bound */
  /* Refusals with 401. Only who presents the exact text of a known token learns more than that it
   * is unknown. */
  LK_TOKEN_MALFORMED = 10,
  LK_TOKEN_UNKNOWN = 11,
  LK_TOKEN_REVOKED = 12,
  LK_TOKEN_EXPIRED = 13,
  LK_TOKEN_OWNER_DISABLED = 14,
  LK_TOKEN_WRONG_ORGANIZATION = 15,
  /* The refusal with 403. */
  LK_SCOPE_MISSING = 20,
  /* Of routes: 404 for who has a good token, 401 for who has none. */
  LK_ROUTE_UNKNOWN = 30,
  LK_METHOD_NOT_ALLOWED = 31,
  LK_REQUEST_MALFORMED = 32, /* a path that servers read in different ways: 400 */
  /* Errors of calls. */
  LK_INVALID_ARGUMENT = 40,   /* a null or a size that is none; a scope or document that is wrong */
  LK_CONFIGURATION = 41,      /* URL, credential file, CA file */
  LK_SERVER_UNAVAILABLE = 42, /* cannot be reached, or refuses the credential */
  LK_INTERNAL = 43
} lk_result;

/* The name of a result, e.g. "token_expired". Never null. */
LK_API const char* lk_result_name(lk_result result);
/* "0.1.0" of the library that runs. */
LK_API const char* lk_version(void);

/* Why a call failed, in words: holds no secret. May be null where it is asked for. */
typedef struct lk_error {
  size_t size; /* sizeof(lk_error) */
  char message[512];
} lk_error;

/* ---- A verifier ---- */

typedef struct lk_verifier lk_verifier;

typedef struct lk_options {
  size_t size;                 /* sizeof(lk_options) */
  const char* server_url;      /* "https://tokens.example.com"; http:// to this machine only */
  const char* credential_file; /* the secret of a client with `feed`; readable by its owner only */
  const char* ca_file;         /* PEM file of roots; null: the system's */
  uint32_t staleness_max_ms;   /* 0: as the server goes by (1,000 if it was not configured) */
} lk_options;

/* Connects, loads all tokens, and begins to follow in a thread of its own. Takes as long as loading
 * does. On success *verifier is to be closed. */
LK_API lk_result lk_open(const lk_options* options, lk_verifier** verifier, lk_error* error);
/* Ends the thread and forgets everything. No other call may run or follow; null does nothing. */
LK_API void lk_close(lk_verifier* verifier);

typedef struct lk_status {
  size_t size; /* sizeof(lk_status) */
  uint64_t revision;
  char epoch[37];
  uint64_t age_ms; /* since the poll that confirmed the index was sent */
  uint64_t staleness_max_ms;
  uint64_t tokens;
  uint64_t memory_bytes;
  char problem[256]; /* why the last poll failed; empty when it did not */
} lk_status;
LK_API lk_result lk_get_status(const lk_verifier* verifier, lk_status* status);
/* Waits until the index has `revision`, for read-after-revoke: LK_GRANTED, or LK_INDEX_STALE after
 * `timeout_ms`. */
LK_API lk_result lk_wait_for(const lk_verifier* verifier, uint64_t revision, uint32_t timeout_ms);

/* ---- What is asked of a token ---- */

/* Scopes that open something. One requirement serves any number of checks. */
typedef struct lk_requirement lk_requirement;

/* Of "vso.code vso.build|vso.work": alternatives between '|', each with the scopes that it needs
 * together. "" is any good token. The names are those of the server's catalog. */
LK_API lk_result lk_requirement_parse(const lk_verifier* verifier, const char* text,
                                      lk_requirement** requirement, lk_error* error);
LK_API void lk_requirement_free(lk_requirement* requirement);

/* ---- Checks ---- */

typedef struct lk_answer {
  size_t size;      /* sizeof(lk_answer) */
  lk_result result; /* the rest is empty unless this is LK_GRANTED */
  char token_id[37];
  char owner_id[37];
  char organization_id[37];
  int64_t valid_to_ms; /* Unix time */
  uint64_t scopes[4];  /* what the token may do now, for lk_format_scopes */
} lk_answer;

/* Checks the token `text` of `length` bytes. `organization` is the name by which the request calls
 * it, or null for whichever the token is for. `requirement` null: any good token will do. Returns
 * what answer->result says. Allocates nothing, waits for nothing. */
LK_API lk_result lk_check(const lk_verifier* verifier, const char* text, size_t length,
                          const char* organization, const lk_requirement* requirement,
                          lk_answer* answer);

typedef struct lk_question {
  const char* text;
  size_t length;
  const char* organization;
  const lk_requirement* requirement;
} lk_question;
/* Checks `count` tokens; answers[0].size says how large each answer is. Returns LK_GRANTED when all
 * were checked, whatever they came to. */
LK_API lk_result lk_check_many(const lk_verifier* verifier, const lk_question* questions,
                               size_t count, lk_answer* answers);

/* Writes the identifiers of the answer's scopes, one space between, and a zero byte, as far as
 * `size` bytes go. Returns how long the whole is, without the zero byte. */
LK_API size_t lk_format_scopes(const lk_verifier* verifier, const lk_answer* answer, char* out,
                               size_t size);

/* ---- Routes of an API's description ---- */

/* The operations of an OpenAPI 3.0 or 3.1 or Swagger 2.0 document. */
typedef struct lk_routes lk_routes;

typedef struct lk_routes_options {
  size_t size;           /* sizeof(lk_routes_options) */
  int any_scope;         /* 1: a list of scopes means any one (the files of Azure DevOps) */
  const char* base_path; /* in the place of the document's own: "" or "/v1"; null: the document's */
} lk_routes_options;

/* Reads JSON or YAML; `options` may be null. Nothing is half loaded: an error names the operation.
 * The routes must not outlive the verifier. */
LK_API lk_result lk_routes_load(const lk_verifier* verifier, const char* document, size_t length,
                                const lk_routes_options* options, lk_routes** routes,
                                lk_error* error);
LK_API void lk_routes_free(lk_routes* routes);

typedef struct lk_match {
  size_t size;                       /* sizeof(lk_match) */
  char operation[256];               /* its id, cut if it is longer */
  char scopes[1024];                 /* what opens it, in words: "vso.code, or full access" */
  const lk_requirement* requirement; /* lives as long as the routes */
} lk_match;
/* Which operation a request is, and which scopes open it. `path` is as sent, percent-encoded,
 * without the query. */
LK_API lk_result lk_explain(const lk_routes* routes, const char* method, const char* path,
                            lk_match* match);
/* Explains and checks in one, as a gate does. A bad credential is told before an unknown route. */
LK_API lk_result lk_check_request(const lk_verifier* verifier, const lk_routes* routes,
                                  const char* method, const char* path, const char* text,
                                  size_t length, const char* organization, lk_answer* answer);

#ifdef __cplusplus
}
#endif

#endif
