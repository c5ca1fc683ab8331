// Models in one format (XGBoost's JSON and UBJSON, LightGBM's text, pickles of estimators): imported, written, checked,
// and predicted from. Which format it is says PETRIFY_FUZZ_FORMAT.
#include "target.hpp"

#include <petrify/file.hpp>
#include <petrify/forest.hpp>
#include <petrify/import.hpp>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include <unistd.h>

namespace petrify::fuzz {

namespace {

// A file of this process's own where writing is cheap.
const std::string& target_path() {
  static const std::string path = [] {
    const char* folder = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    return std::string(folder) + "/petrify-fuzz-" + std::to_string(::getpid()) + ".stone";
  }();
  return path;
}

// Rows that are hard on every rule: missing, infinite, tiny, and categories of all kinds.
void predict(const forest& model) {
  if (model.num_columns() > 1000)
    return;
  static const double values[] = {std::numeric_limits<double>::quiet_NaN(), 0, -0.0, 1e-36, 1, 31, 32, -1, 300.7, 1e20,
                                  std::numeric_limits<double>::infinity()};
  std::vector<double> x;
  for (std::size_t i = 0; i < std::size(values); ++i)
    for (std::size_t j = 0; j < model.num_columns(); ++j)
      x.push_back(values[(i + j) % std::size(values)]);
  const rows all(x.data(), std::size(values), model.num_columns());
  require(model.predict_raw(all).size() == std::size(values) * model.output_width(output::raw), "a score for each row");
  (void)model.predict_proba(all);
  (void)model.apply(all);
}

} // namespace

void run(std::span<const std::byte> input) {
  if (input.size() > 64 << 10)
    return;
  struct remover {
    remover() {
      std::atexit([] { ::unlink(target_path().c_str()); });
    }
  };
  static const remover at_exit;
  try {
    writer out(target_path());
    import_options options;
    options.from = import_format::PETRIFY_FUZZ_FORMAT;
    options.max_decoded_bytes = 1 << 20;
    const auto imported = import_bytes(input, out, options);
    ++totals.accepted;
    out.commit();
    const file made = file::open(target_path());
    require(made.verify().empty(), "what was imported is sound");
    require(made.objects().size() == imported.size(), "what was imported is there");
    bool has_predicted = false;
    for (const object_info& object : made.objects())
      if (object.kind == "forest") {
        predict(made.forest(object.name));
        has_predicted = true;
      }
    totals.used += has_predicted ? 1 : 0;
  } catch (const error& failure) {
    require(std::string_view(failure.what()).find('\n') == std::string_view::npos, "an error is one line");
    require(failure.code() != errc::io, "nothing is wrong with the disk");
  }
}

} // namespace petrify::fuzz
