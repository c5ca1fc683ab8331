// What is beside models and arrays in a pickle (numbers, texts, None, lists and dicts of them) as petrify values.
#pragma once

#include "import/pickle.hpp"

#include <petrify/value.hpp>

#include <unordered_map>

namespace petrify::inline v0 {

// Whether values hold nothing that must become an object of its own: no array, no model, no other class's instance.
// Remembers what it has seen, since values may be shared. Cost: linear in the document for all calls together.
class plain_values {
public:
  // Throws: errc::limit_exceeded for nesting beyond any honest file's.
  bool is_plain(const pickle::value& value);

private:
  bool is_plain(const pickle::value& value, pickle::walk& steps);
  std::unordered_map<pickle::ref, bool> seen_;
};

// Appends `value` to `out`: tuples as lists; numpy's numbers as numbers; of equal text keys the last, as Python's
// reader keeps it. At most `max_bytes` in all. Throws: errc::not_importable, by place and name, for what no value can
// hold (sets, complex numbers, dates, texts with lone surrogates); errc::limit_exceeded.
void add_plain(value_builder& out, const pickle::value& value, std::uint64_t max_bytes, pickle::walk& steps);

} // namespace petrify::inline v0
