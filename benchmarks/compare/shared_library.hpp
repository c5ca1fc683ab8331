// shared_library: a library that is loaded while the program runs, so that petrify's own build knows none of them.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include <dlfcn.h>

namespace compare {

// Stays loaded until the program ends: libraries with threads of their own do not survive being unloaded.
class shared_library {
public:
  // Throws: std::runtime_error with the loader's words.
  explicit shared_library(const std::string& path) : handle_(::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr)
      throw std::runtime_error(::dlerror());
  }

  // Function `name` of type F, which nothing checks. Throws: std::runtime_error when there is none.
  template <class F>
  F* function(const char* name) const {
    void* found = ::dlsym(handle_, name);
    if (found == nullptr)
      throw std::runtime_error(::dlerror());
    return reinterpret_cast<F*>(found);
  }

private:
  void* handle_;
};

} // namespace compare
