#include "import/boosted.hpp"

namespace petrify::inline v0 {

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
