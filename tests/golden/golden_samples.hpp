// What the golden files of a format are made of. A sample that has its file is never written again, so a change here
// means nothing for the files that are there.
#pragma once

#include "golden/answers.hpp"

#include "support/random_forest.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace petrify::test {

struct golden_sample {
  std::string name; // of the file, without ".stone"
  std::function<std::vector<std::byte>()> make;
  rows_by_forest x; // what its forests are asked
  // What its forest "model" was made of, where the rows come to its trees as they are.
  std::shared_ptr<const naive_forest> origin = nullptr;
};

// Each kind of object, and of a forest each layout, leaf form, rule, step and operation.
std::vector<golden_sample> golden_samples();

} // namespace petrify::test
