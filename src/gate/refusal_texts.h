// What is said of a credential that is refused: by our own API and by every gate alike.
//
// One text for unknown and malformed tokens, so that nobody learns which it was. Thread safety:
// constants. Spec: docs/spec/authentication.md, A33; contract of Azure DevOps for the TF numbers.
#pragma once

#include <string_view>

namespace latchkey::gate {

// The anonymous identity of the contract, which refusals of unknown callers name.
inline constexpr std::string_view kUnknownCredential =
    "TF400813: The user 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa' is not authorized to access this "
    "resource. The credential is not known here: check that the token was copied whole and is for "
    "this server.";
inline constexpr std::string_view kNoCredential =
    "TF400813: Resource not available for anonymous access. Client authentication required: send "
    "a personal access token as the password of Basic authentication.";
inline constexpr std::string_view kSeveralCredentials =
    "A request carries one credential, in one Authorization header, and none in its address.";
inline constexpr std::string_view kTokenExpired =
    "Access Denied: The Personal Access Token used has expired.";
inline constexpr std::string_view kTokenRevoked =
    "Access Denied: The Personal Access Token used has been revoked or regenerated.";
inline constexpr std::string_view kOwnerDisabled =
    "Access Denied: The owner of the Personal Access Token used has no access to its organization "
    "now.";
inline constexpr std::string_view kOtherOrganization =
    "TF400813: The Personal Access Token used is not valid in this organization.";
inline constexpr std::string_view kScopeMissing =
    "Access Denied: The Personal Access Token used lacks a scope.";

}  // namespace latchkey::gate
