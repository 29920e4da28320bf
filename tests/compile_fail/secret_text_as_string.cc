// error: conversion from|could not convert|no viable conversion
#include <string>

#include "base/secret.h"

using namespace latchkey;

#ifdef MUST_COMPILE
std::string text(const SecretText& secret) { return secret.empty() ? "empty" : "set"; }
#else
std::string text(const SecretText& secret) { return secret; }
#endif
