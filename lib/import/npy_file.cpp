#include <petrify/npy.hpp>

#include "base/fail.hpp"
#include "import/array_import.hpp"
#include "import/array_output.hpp"
#include "import/npy.hpp"
#include "mapping/input_file.hpp"
#include "mapping/output_file.hpp"

#include <optional>

namespace petrify::inline v0 {

struct npy_file::state {
  mapping mapped;
  std::optional<imported_array> array;
  std::optional<any_array> view;
};

npy_file::npy_file(const std::string& path) {
  const input_file source(path);
  state_ = std::make_unique<state>(state{mapping(source), {}, {}});
  try {
    state_->array.emplace(parse_npy(state_->mapped.bytes()));
    state_->view.emplace(state_->array->view());
  } catch (const error& failure) {
    throw failure.at(path);
  }
}

npy_file::npy_file(npy_file&&) noexcept = default;
npy_file& npy_file::operator=(npy_file&&) noexcept = default;
npy_file::~npy_file() = default;

const any_array& npy_file::array() const& noexcept { return *state_->view; }

void write_npy(const std::string& path, const any_array& array,
               const std::function<void(std::uint64_t done, std::uint64_t total)>& progress) {
  try {
    const npy_output source(array);
    output_file out(path);
    byte_progress report(source.size_bytes(), progress);
    source.write([&](std::span<const std::byte> bytes) {
      out.append(bytes);
      report.add(bytes.size());
    });
    out.commit();
  } catch (const error& failure) {
    throw failure.at(path);
  }
}

} // namespace petrify::inline v0
