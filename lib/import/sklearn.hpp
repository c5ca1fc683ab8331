// scikit-learn's decision trees and forests of them (docs/importers.md, section 3).
#pragma once

#include "import/boosted.hpp"
#include "import/pickle.hpp"

#include <petrify/forest_builder.hpp>

#include <functional>
#include <string>

namespace petrify::inline v0 {

// Whether the value is an object of a class that import_sklearn reads.
bool is_sklearn_model(const pickle::value& object) noexcept;

// Names of the classes that import_sklearn reads, for messages.
std::string known_sklearn_models();

// Bounds what is built by what was read: a file may name one tree, or one list of labels, a million times, and every
// reader of it pays. Each array counts once for every time it is used.
class read_budget {
public:
  explicit read_budget(std::uint64_t size_bytes) : left_(2 * size_bytes + (std::uint64_t{64} << 10)) {}
  // Throws: errc::limit_exceeded.
  void charge(std::uint64_t size_bytes);

private:
  std::uint64_t left_;
};

// classes_ of one output: an array of booleans, integers, floats or texts. Throws: errc::not_importable for others.
label_list read_labels(const pickle::value& classes, read_budget& budget);

// Called after each tree with how many of how many are done.
using tree_progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

// The model as a forest. Needs is_sklearn_model. Cost: one pass over the nodes.
// Throws: errc::not_importable, errc::invalid_argument (with tree and node) for what no fitted model has, and for
// options that the model has no use for; errc::limit_exceeded beyond the budget.
forest_model import_sklearn(const pickle::value& object, const boosted_options& options, read_budget& budget,
                            const tree_progress& progress);

} // namespace petrify::inline v0
