// Pickles and joblib dumps as inert data: parse, visit every value, make arrays, values and forests of it.
#include "target.hpp"

#include "import/array_import.hpp"
#include "import/pickle.hpp"
#include "import/sklearn.hpp"
#include "import/value_import.hpp"

#include <petrify/error.hpp>
#include <petrify/forest_builder.hpp>

namespace petrify::fuzz {

namespace {

template <class F>
bool accepted(F f) {
  try {
    f();
    return true;
  } catch (const error& failure) {
    require(!failure.message().empty() && std::string_view(failure.what()).find('\n') == std::string_view::npos,
            "an error is one line");
    return false;
  }
}

// Everything a value can be asked, of any kind.
void visit(const pickle::value& v, pickle::walk& steps) {
  const auto inside = steps.enter();
  (void)v.as_bool();
  (void)v.as_int();
  (void)v.as_real();
  (void)v.describe();
  (void)v.class_name();
  if (const auto text = v.as_text())
    look_at(std::as_bytes(std::span(*text)));
  if (const auto bytes = v.as_bytes())
    look_at(*bytes);
  for (std::size_t i = 0; i < v.size(); ++i) {
    visit(v[i], steps);
    if (v.is(pickle::kind::dict))
      visit(v.key(i), steps);
  }
  if (v.is(pickle::kind::object)) {
    visit(v.args(), steps);
    visit(v.kwargs(), steps);
    visit(v.state(), steps);
    visit(v.items(), steps);
    visit(v.entries(), steps);
    (void)v.attr("n_outputs_");
  }
  if (v.is(pickle::kind::array)) {
    const imported_array array = imported_array::from(v);
    look_at(array.view().bytes());
    look_at(std::as_bytes(array.view().text()));
    ++totals.used;
  }
}

} // namespace

void run(std::span<const std::byte> input) {
  if (input.size() > 64 << 10)
    return;
  std::optional<pickle::document> document;
  if (!accepted([&] { document.emplace(pickle::parse(input)); }))
    return;
  ++totals.accepted;
  const std::uint64_t used_before = totals.used;
  require(document->size_bytes() <= input.size(), "a stream ends in its bytes");
  const pickle::value root = document->root();
  (void)accepted([&] {
    pickle::walk steps(4 * document->num_values() + 4096);
    visit(root, steps);
  });
  (void)accepted([&] {
    plain_values plain;
    if (!plain.is_plain(root))
      return;
    value_builder built;
    pickle::walk steps(4 * document->num_values() + 4096);
    add_plain(built, root, 16 * input.size() + 4096, steps);
    ++totals.used;
  });
  (void)accepted([&] {
    if (!is_sklearn_model(root))
      return;
    read_budget budget(input.size());
    const forest_model model = import_sklearn(root, {}, budget, [](std::uint64_t, std::uint64_t) {});
    require(model.num_trees() < input.size(), "trees come from the input");
    ++totals.used;
  });
  if (totals.used > used_before)
    totals.used = used_before + 1;
}

} // namespace petrify::fuzz
