#include "import/boosted.hpp"

#include "base/fail.hpp"

namespace petrify::inline v0 {

void refuse_missing(const boosted_options& options) {
  if (options.missing)
    fail(errc::invalid_argument, {}, "a missing value is given, which is for XGBoost's models alone");
}

std::uint32_t iterations_asked_for(std::optional<std::uint32_t> asked, std::uint64_t all) {
  if (asked && *asked > all)
    fail(errc::not_importable, {}, *asked, " iterations are asked for, but the model has ", all);
  return asked.value_or(static_cast<std::uint32_t>(all));
}

void repeat_lone_label(label_list& labels, std::size_t count) {
  if (labels.size() != 1 || count != 2)
    return;
  const auto twice = [](auto& list) {
    if (!list.empty()) {
      const auto label = list.front();
      list.assign(2, label);
    }
  };
  twice(labels.integers);
  twice(labels.reals);
  twice(labels.texts);
}

} // namespace petrify::inline v0
