#include "store/current.hpp"

#include "mapping/folder.hpp"
#include "mapping/output_file.hpp"

#include <petrify/error.hpp>
#include <petrify/file.hpp>

#include <new>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace petrify::inline v0 {

std::uint64_t current_of(const name_folder& of) {
  std::optional<std::uint64_t> named = of.named_current();
  if (named && facts_of(of.version_path(*named)))
    return *named;
  const std::vector<std::uint64_t> numbers = of.versions();
  // Between the two looks another may have been made current, and the one before removed.
  named = of.named_current();
  if (named && facts_of(of.version_path(*named)))
    return *named;
  std::optional<error> newest_fault;
  for (auto at = numbers.rbegin(); at != numbers.rend(); ++at) {
    std::optional<error> why;
    if (file::try_open(of.version_path(*at), why))
      return *at;
    if (!why)
      throw std::bad_alloc();
    // No descriptor left, no permission: that says nothing about the version, and an older one must not stand in for
    // it.
    if (why->code() == errc::io && facts_of(of.version_path(*at)))
      throw *why;
    if (!newest_fault)
      newest_fault = why;
  }
  if (newest_fault)
    throw *newest_fault;
  of.fail_empty();
}

void make_current(const name_folder& of, std::uint64_t number) {
  output_file out(of.current_path());
  const std::string text = current_text(number);
  out.append(std::as_bytes(std::span(text)));
  out.commit();
}

} // namespace petrify::inline v0
