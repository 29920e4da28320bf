// Guards a request with liblatchkey: may the token on stdin do METHOD PATH of the API in FILE?
//
//   echo "$TOKEN" | check https://tokens.example.com gate.secret api.yaml GET /v1/projects
#include <fstream>
#include <iostream>
#include <sstream>

#include <latchkey/latchkey.hpp>

int main(int argc, char** argv) {
  if (argc < 6) {
    std::cerr << "usage: check SERVER CREDENTIAL_FILE API_FILE METHOD PATH [CA_FILE]\n";
    return 2;
  }
  try {
    lk::Options options;
    options.server_url = argv[1];
    options.credential_file = argv[2];
    if (argc > 6) options.ca_file = argv[6];
    const lk::Verifier verifier(options);

    std::stringstream document;
    document << std::ifstream(argv[3]).rdbuf();
    const lk::Routes routes(verifier, document.str());
    const auto match = routes.explain(argv[4], argv[5]);
    if (match.result == LK_GRANTED) {
      std::cout << match.operation << " takes " << match.scopes << "\n";
    }
    std::string token;
    std::getline(std::cin, token);
    const lk::Answer answer = routes.check(argv[4], argv[5], token);
    std::cout << answer.reason() << "\n";
    if (answer) std::cout << "as " << answer.owner_id() << ": " << verifier.scopes(answer) << "\n";
    return answer ? 0 : 1;
  } catch (const lk::Error& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
