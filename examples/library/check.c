/* The same in C, for one scope: may the token on stdin read code?
 *
 *   echo "$TOKEN" | check https://tokens.example.com gate.secret */
#include <stdio.h>
#include <string.h>

#include <latchkey/latchkey.h>

int main(int argc, char** argv) {
  lk_options options = {sizeof(options), NULL, NULL, NULL, 0};
  lk_error error = {sizeof(error), ""};
  lk_answer answer = {0};
  lk_verifier* verifier = NULL;
  lk_requirement* reads_code = NULL;
  char token[256] = "";
  if (argc < 3) return 2;
  options.server_url = argv[1];
  options.credential_file = argv[2];
  options.ca_file = argc > 3 ? argv[3] : NULL;
  if (lk_open(&options, &verifier, &error) != LK_GRANTED ||
      lk_requirement_parse(verifier, "vso.code", &reads_code, &error) != LK_GRANTED) {
    fprintf(stderr, "%s\n", error.message);
    lk_close(verifier);
    return 2;
  }
  if (fgets(token, sizeof(token), stdin) == NULL) token[0] = '\0';
  token[strcspn(token, "\n")] = '\0';
  answer.size = sizeof(answer);
  lk_check(verifier, token, strlen(token), NULL, reads_code, &answer);
  puts(lk_result_name(answer.result));
  lk_requirement_free(reads_code);
  lk_close(verifier);
  return answer.result == LK_GRANTED ? 0 : 1;
}
