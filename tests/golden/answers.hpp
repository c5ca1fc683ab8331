// What a petrify file says and predicts, as text: the same text whichever kernel predicts, on every machine.
#pragma once

#include "forest/kernel.hpp"

#include <petrify/file.hpp>

#include <map>
#include <string>
#include <variant>
#include <vector>

namespace petrify::test {

// Rows of one type, one after the other.
using row_values = std::variant<std::vector<float>, std::vector<double>, std::vector<std::int64_t>>;
// The rows of each forest of a file, by the forest's name.
using rows_by_forest = std::map<std::string, std::vector<row_values>>;

// Every kernel that this machine and PETRIFY_KERNEL allow for a forest.
std::vector<const kernel*> kernels_for(const forest_data& forest);

// Everything but predictions: what objects there are, elements, nested values, what is known of forests. One fact a
// line.
std::string facts_of(const file& from);

// One kind of answer to rows: "raw", "final", "class", "leaves". Numbers are hexadecimal, so that no bit is lost.
// A number that came about by a function of the platform (docs/format.md, 7.7) is in a line "raw~" or "final~".
struct row_answers {
  std::vector<std::string> lines;
};
// Of all rows, by one kernel: for each row a line of each kind.
row_answers answers_by(const kernel& with, const forest& of, const row_values& x);
// By a predictor, row by row; and by the functions for batches.
row_answers answers_of_predictor(const forest& of, const row_values& x);
row_answers answers_of_batch(const forest& of, const row_values& x);

// The page that is kept beside a golden file: its facts, and for each forest the rows and the answers to them, which
// are `by`'s.
std::string page_of(const file& from, const rows_by_forest& x);
// The rows of a page.
rows_by_forest rows_of(const std::string& page);

// Whether two answers are the same: to the bit, or in a line "raw~" or "final~" nearly.
bool same_answer(const std::string& expected, const std::string& seen);

std::vector<std::string> lines_of(const std::string& text);

} // namespace petrify::test
