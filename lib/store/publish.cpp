// What changes a store: publish, rollback, prune.
#include <petrify/store.hpp>

#include "array/writer_state.hpp"
#include "base/fail.hpp"
#include "container/format.hpp"
#include "mapping/folder.hpp"
#include "mapping/input_file.hpp"
#include "mapping/output_file.hpp"
#include "store/current.hpp"
#include "store/name_folder.hpp"

#include <petrify/writer.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

namespace petrify::inline v0 {

namespace {

constexpr std::size_t copy_bytes = std::size_t{4} << 20;
// What temporary files of versions are called after: `.incoming.RANDOM.petrify-tmp`.
constexpr const char* incoming = "incoming";

// The folders of a name, durable. Once CURRENT is there they are known to be: whoever made it had synced them before.
void make_folders(const std::string& store_folder, const name_folder& of) {
  make_folder(store_folder);
  make_folder(of.path());
  make_folder(of.versions_path());
  if (facts_of(of.current_path()))
    return;
  sync_name_of(store_folder);
  sync_folder(store_folder);
  sync_folder(of.path());
}

void copy(const std::string& from, output_file& to) {
  const input_file in(from);
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(in.size_bytes(), copy_bytes)));
  for (std::uint64_t at = 0; at < in.size_bytes();) {
    const auto piece =
        std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(in.size_bytes() - at, buffer.size())));
    in.read_at(at, piece);
    to.append(piece);
    at += piece.size();
  }
}

// Throws the first fault that verify finds, as one of `source`.
void require_sound(const file& candidate, const std::string& source, executor& on) {
  const std::vector<error> faults = candidate.verify({}, on);
  if (faults.empty())
    return;
  const error& first = faults.front();
  throw error(first.code(), source, first.where(),
              faults.size() == 1 ? first.message() : text(first.message(), "; and ", faults.size() - 1, " more"));
}

// What `open` makes of a sealed file's descriptor; its errors are of `source`, not of a number.
template <class Open>
auto opened_as(const std::string& source, Open open) {
  try {
    return open();
  } catch (const error& failure) {
    throw error(failure.code(), source, failure.where(), failure.message());
  }
}

// The sealed file, before it has a name.
void require_sound(const output_file& sealed, const std::string& source, executor& on) {
  const file candidate = opened_as(source, [&] { return file::open_descriptor(sealed.temporary_descriptor()); });
  require_sound(candidate, source, on);
}

// Whether the next bytes of both files are equal, as many as the buffers have room for.
bool are_equal_at(std::uint64_t at, const input_file& a, std::span<std::byte> of_a, const input_file& b,
                  std::span<std::byte> of_b) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(a.size_bytes() - at, of_a.size()));
  a.read_at(at, of_a.first(size));
  b.read_at(at, of_b.first(size));
  return std::memcmp(of_a.data(), of_b.data(), size) == 0;
}

// Whether two open files have the same bytes. Headers hold checksums of all the rest, so that different files differ
// there; only equal ones, and forgeries, are read whole.
bool are_equal(const input_file& a, const input_file& b) {
  std::array<std::byte, header_bytes> header_a;
  std::array<std::byte, header_bytes> header_b;
  if (a.size_bytes() != b.size_bytes() || !are_equal_at(0, a, header_a, b, header_b))
    return false;
  std::vector<std::byte> bytes_a(static_cast<std::size_t>(std::min<std::uint64_t>(a.size_bytes(), copy_bytes)));
  std::vector<std::byte> bytes_b(bytes_a.size());
  for (std::uint64_t at = 0; at < a.size_bytes(); at += copy_bytes)
    if (!are_equal_at(at, a, bytes_a, b, bytes_b))
      return false;
  return true;
}

// The version that has the bytes of the sealed file. Newest first: it is mostly that one.
std::optional<std::uint64_t> version_with_bytes_of(const output_file& sealed, const name_folder& of,
                                                   const std::vector<std::uint64_t>& numbers) {
  const input_file candidate = opened_as(sealed.target(), [&] { return input_file(sealed.temporary_descriptor()); });
  for (auto number = numbers.rbegin(); number != numbers.rend(); ++number) {
    const std::string path = of.version_path(*number);
    if (const auto facts = facts_of(path); !facts || facts->size_bytes != candidate.size_bytes())
      continue;
    try {
      if (are_equal(candidate, input_file(path)))
        return *number;
    } catch (const error&) {
      // One that cannot be read is not what was asked for.
    }
  }
  return std::nullopt;
}

// Gives the sealed file the next number.
std::uint64_t link_as_next(output_file& sealed, std::uint64_t next) {
  while (!sealed.link_as(version_file_name(next)))
    ++next;
  return next;
}

// Takes back a version that could not be made current, unless somebody has it open already. What stays is one more
// version, whole and not current.
void take_back(const name_folder& of, std::uint64_t number) noexcept {
  try {
    if (of.named_current() == number)
      return; // only making it durable failed
    const std::string path = of.version_path(number);
    const input_file version(path);
    if (try_lock(version.descriptor(), lock_kind::exclusive, path) != lock_result::taken)
      return;
    remove_file(path);
    sync_folder(of.versions_path());
  } catch (...) {
  }
}

// The version that readers take instead of a lost CURRENT, if there is one that opens.
std::optional<std::uint64_t> stand_in(const name_folder& of) {
  try {
    return current_of(of);
  } catch (const error&) {
    return std::nullopt; // then publishing is what mends the store
  }
}

// From a sealed and sound file to a current version.
std::uint64_t put_in_place(output_file& sealed, const name_folder& of) {
  const folder_lock alone(of.path());
  const std::vector<std::uint64_t> numbers = of.versions();
  const std::optional<std::uint64_t> named = of.named_current();
  if (const auto same = version_with_bytes_of(sealed, of, numbers)) {
    // An earlier call may have been killed before these. Also where it is current already: who died while writing
    // CURRENT left a temporary file, which goes now.
    sync_folder(of.versions_path());
    make_current(of, *same);
    return *same;
  }
  // Without a good CURRENT readers would take the new version before it is meant to be seen.
  if (!(named && facts_of(of.version_path(*named))))
    if (const auto instead = stand_in(of))
      make_current(of, *instead);
  const std::uint64_t last = std::max(numbers.empty() ? 0 : numbers.back(), named.value_or(0));
  if (last >= max_version)
    throw error(errc::limit_exceeded, of.versions_path(), text("version ", last),
                text("is the last number that there is, expected versions below ", max_version));
  const std::uint64_t number = link_as_next(sealed, last + 1);
  try {
    sync_folder(of.versions_path());
    make_current(of, number);
  } catch (...) {
    take_back(of, number);
    throw;
  }
  return number;
}

} // namespace

std::uint64_t store::publish(std::string_view name, const std::string& file_path, executor& on) const {
  const name_folder of(folder_, name);
  // Before anything is made: what is no petrify file needs no folders.
  (void)file::open(file_path);
  make_folders(folder_, of);
  output_file made(path_in(of.versions_path(), incoming));
  copy(file_path, made);
  made.seal();
  require_sound(made, file_path, on);
  return put_in_place(made, of);
}

std::uint64_t store::publish(std::string_view name, const std::function<void(writer&)>& write, executor& on) const {
  const name_folder of(folder_, name);
  make_folders(folder_, of);
  writer out(path_in(of.versions_path(), incoming));
  out.state_->is_stores = true;
  write(out);
  if (!out.state_)
    throw error(errc::invalid_argument, of.path(), "writer", "was moved from, expected it to be left where it is");
  out.state_->require_idle();
  out.state_->require_whole();
  output_file& made = out.state_->out.finish();
  made.seal();
  require_sound(made, of.path(), on);
  return put_in_place(made, of);
}

std::uint64_t store::rollback(std::string_view name, std::optional<std::uint64_t> version, executor& on) const {
  const name_folder of(folder_, name);
  if (of.versions().empty())
    of.fail_empty();
  const folder_lock alone(of.path());
  std::uint64_t number;
  if (version) {
    number = *version;
  } else {
    const std::uint64_t now = current_of(of);
    const std::vector<std::uint64_t> numbers = of.versions();
    const auto at = std::lower_bound(numbers.begin(), numbers.end(), now);
    if (at == numbers.begin())
      throw error(errc::not_found, of.path(), text("version ", now), "is the oldest, expected one before it");
    number = *std::prev(at);
  }
  const std::string path = of.version_path(number);
  const std::optional<file> candidate = open_file(path, {}, trust::nothing);
  if (!candidate)
    of.fail_without(number);
  require_sound(*candidate, path, on);
  // A publish that was killed may have left it with a name that a power cut takes away.
  sync_folder(of.versions_path());
  if (of.named_current() == number)
    sync_folder(of.path());
  else
    make_current(of, number);
  return number;
}

namespace {

// Removes a version unless somebody has it open. Throws: errc::io; errc::unsupported without locks.
void remove_unless_held(const name_folder& of, std::uint64_t number, prune_result& out) {
  const std::string path = of.version_path(number);
  const input_file version(path);
  switch (try_lock(version.descriptor(), lock_kind::exclusive, path)) {
  case lock_result::refused: out.held.push_back(number); break;
  case lock_result::unsupported:
    throw error(errc::unsupported, path, "prune",
                "this file system has no locks, so nobody can tell who has the version open");
  case lock_result::taken:
    if (remove_file(path))
      out.removed.push_back(number);
    break;
  }
}

} // namespace

prune_result store::prune(std::string_view name, std::size_t keep) const {
  const name_folder of(folder_, name);
  if (keep == 0)
    throw error(errc::invalid_argument, of.path(), "prune", "keep is 0, expected 1 or more");
  if (of.versions().empty())
    of.fail_empty();
  const folder_lock alone(of.path());
  // The newest is a stand-in for readers; what it would cost here is not to be had back.
  const std::optional<std::uint64_t> current = of.named_current();
  if (!current || !facts_of(of.version_path(*current)))
    throw error(errc::not_found, of.current_path(), "prune",
                "names no version, expected one that is there: publish or rollback first");
  const std::vector<std::uint64_t> numbers = of.versions();
  prune_result out;
  // Whoever made it current may have been killed before that was durable: after a power cut CURRENT would name the
  // version before, which must not be gone then.
  if (numbers.size() > keep)
    sync_folder(of.path());
  std::optional<error> first_failure; // one version that cannot be removed is no reason to keep the others
  for (std::size_t i = 0; i + keep < numbers.size(); ++i) {
    if (numbers[i] == *current)
      continue;
    try {
      remove_unless_held(of, numbers[i], out);
    } catch (const error& failure) {
      if (!first_failure)
        first_failure = failure;
    }
  }
  if (!out.removed.empty())
    sync_folder(of.versions_path());
  if (first_failure)
    throw *first_failure;
  return out;
}

} // namespace petrify::inline v0
