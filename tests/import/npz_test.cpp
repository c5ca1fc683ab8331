// .npz files: what numpy wrote, what petrify writes, and archives that lie.
#include "import/imported.hpp"
#include "import/npz.hpp"
#include "support/support.hpp"

#include <petrify/file.hpp>
#include <petrify/import.hpp>
#include <petrify/npy.hpp>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace {

using namespace petrify;
using namespace petrify::test;
using bytes = std::vector<std::byte>;

const std::string folders[] = {PETRIFY_TEST_DATA "/arrays/numpy-1.26/", PETRIFY_TEST_DATA "/arrays/numpy-2.4/"};

// The .npy files of a folder by the name of their arrays.
std::map<std::string, std::string> arrays_in(const std::string& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".npy") {
      const std::string name = entry.path().stem().string();
      out[name == "other_letters" ? "größe/猫" : name] = entry.path().string();
    }
  CHECK(out.size() == 42);
  return out;
}

void check_same(const any_array& seen, const any_array& expected) {
  CHECK(seen.type() == expected.type());
  CHECK(std::ranges::equal(seen.shape(), expected.shape()));
  if (seen.size() != 0)
    CHECK(seen.order() == expected.order());
  CHECK(std::ranges::equal(seen.bytes(), expected.bytes()));
  CHECK(std::ranges::equal(seen.text(), expected.text()));
}

std::vector<named_array> arrays_of(const file& from) {
  std::vector<named_array> out;
  for (const object_info& object : from.objects())
    out.push_back({object.name, from.array(object.name)});
  return out;
}

bytes content_of(const zip::member& of) {
  zip::content from(of);
  bytes out;
  for (auto piece = from.next(100); !piece.empty(); piece = from.next(100))
    out.insert(out.end(), piece.begin(), piece.end());
  from.finish();
  return out;
}

// An archive of members that are written as they are.
bytes archive_of(const temp_dir& dir, const std::vector<std::pair<std::string, bytes>>& members) {
  const std::string path = dir.path("made.zip");
  output_file out(path);
  {
    zip::archive_writer archive(out);
    for (const auto& [name, content] : members) {
      archive.begin(name, content.size());
      archive.append(content);
      archive.end();
    }
    archive.finish();
  }
  out.commit();
  return read_bytes(path);
}

bytes small_npy(std::size_t count = 3) {
  const std::uint64_t shape[] = {count};
  const std::string header = npy_header("|u1", false, shape);
  bytes out(header.size() + count, std::byte{7});
  std::memcpy(out.data(), header.data(), header.size());
  return out;
}

// Places of the directory's entries.
std::vector<std::size_t> entries_of(const bytes& archive) {
  std::vector<std::size_t> out;
  const std::string_view all(reinterpret_cast<const char*>(archive.data()), archive.size());
  for (std::size_t at = all.find("PK\1\2"); at != all.npos; at = all.find("PK\1\2", at + 4))
    out.push_back(at);
  return out;
}

template <class T>
bytes with(bytes archive, std::size_t at, T value) {
  std::memcpy(archive.data() + at, &value, sizeof value);
  return archive;
}

} // namespace

TEST_CASE("NpzFilesHoldWhatNumpySavedAlone") {
  for (const std::string& folder : folders)
    for (const char* name : {"all.npz", "packed.npz"}) {
      CAPTURE(folder);
      CAPTURE(name);
      const temp_dir dir;
      const file made = imported(dir, folder + name);
      const auto expected = arrays_in(folder);
      CHECK(made.objects().size() == expected.size());
      for (const auto& [array, path] : expected) {
        CAPTURE(array);
        const npy_file alone(path);
        check_same(made.array(array), alone.array());
      }
    }
}

TEST_CASE("NpzFilesWrittenToAPipeHaveTheirSizesBehindTheContents") {
  for (const std::string& folder : folders)
    for (const char* name : {"piped.npz", "piped_packed.npz"}) {
      const temp_dir dir;
      const file made = imported(dir, folder + name);
      for (const char* array : {"float32_rows", "text"}) {
        const npy_file alone(folder + array + ".npy");
        check_same(made.array(array), alone.array());
      }
    }
}

TEST_CASE("DeflatedArraysOfSeveralBlocksAreWhole") {
  const temp_dir dir;
  const file made = imported(dir, folders[1] + "long.npz");
  const auto steps = made.array<std::int64_t>("steps");
  REQUIRE(steps.size() == 60000);
  for (std::uint64_t i = 0; i < steps.size(); ++i)
    REQUIRE(steps(i) == static_cast<std::int64_t>(i / 20));
}

TEST_CASE("AnNpzFileWithoutArraysIsOneOnlyWhenItIsSaidToBe") {
  const temp_dir dir;
  CHECK_REFUSED(imported(dir, folders[1] + "none.npz"), errc::not_importable, "which is an empty zip archive");
  import_options options;
  options.from = import_format::npz;
  CHECK(imported(dir, folders[1] + "none.npz", options).objects().empty());
}

TEST_CASE("NamesBeginWithTheNameThatIsGiven") {
  const temp_dir dir;
  import_options options;
  options.name = "run 1";
  const file made = imported(dir, folders[1] + "piped.npz", options);
  CHECK(made.array("run 1/float32_rows").size() == 6);
  CHECK(made.array("run 1/text").size() == 4);
}

TEST_CASE("ArraysAreWrittenBackByteForByteAsNumpyWritesThem") {
  for (const std::string& folder : folders) {
    const temp_dir dir;
    const file made = imported(dir, folder + "all.npz");
    write_npz(dir.path("back.npz"), arrays_of(made));
    const bytes back = read_bytes(dir.path("back.npz"));
    const zip::archive archive(back);
    std::map<std::string, zip::member> members;
    for (const zip::member& one : archive.members())
      members.emplace(npz_name(one), one);
    CHECK(members.size() == made.objects().size());
    for (const auto& [array, path] : arrays_in(folder)) {
      CAPTURE(array);
      if (array.starts_with("big_endian")) // little-endian now
        continue;
      const bytes expected = read_bytes(path);
      CHECK(content_of(members.at(array)) == expected);
      write_npy(dir.path("back.npy"), made.array(array));
      CHECK(read_bytes(dir.path("back.npy")) == expected);
    }
  }
}

TEST_CASE("MembersContentsBeginAtMultiplesOf64") {
  const temp_dir dir;
  const file made = imported(dir, folders[1] + "all.npz");
  write_npz(dir.path("back.npz"), arrays_of(made));
  const bytes back = read_bytes(dir.path("back.npz"));
  for (const zip::member& one : zip::archive(back).members())
    CHECK((one.stored.data() - back.data()) % 64 == 0);
}

TEST_CASE("EqualArraysGiveEqualNpzFiles") {
  const temp_dir dir;
  const file made = imported(dir, folders[1] + "all.npz");
  write_npz(dir.path("one.npz"), arrays_of(made));
  write_npz(dir.path("two.npz"), arrays_of(made));
  CHECK(read_bytes(dir.path("one.npz")) == read_bytes(dir.path("two.npz")));
  // And what is written is read again, to the same file.
  const bytes first = read_bytes(dir.path("imported.stone"));
  imported(dir, dir.path("one.npz"));
  CHECK(read_bytes(dir.path("imported.stone")) == first);
}

TEST_CASE("ProgressOfAnNpzFileEndsWithItsTotal") {
  const temp_dir dir;
  const file made = imported(dir, folders[1] + "all.npz");
  std::uint64_t done = 0;
  std::uint64_t total = 1;
  write_npz(dir.path("back.npz"), arrays_of(made), [&](std::uint64_t so_far, std::uint64_t of) {
    CHECK(so_far >= done);
    done = so_far;
    total = of;
  });
  CHECK(done == total);
}

TEST_CASE("WhatAnNpzFileCannotHoldIsRefusedBeforeItIsWritten") {
  const temp_dir dir;
  const file made = imported(dir, folders[1] + "piped.npz");
  const any_array good = made.array("float32_rows");
  const bfloat16 narrow[1]{};
  const std::uint64_t shape[] = {1};
  const any_array bad(dtype::bfloat16, axis_order::row_major, extents(shape), 2, std::as_bytes(std::span(narrow)), {});
  const std::string path = dir.path("no.npz");
  const auto refused = [&](std::vector<named_array> arrays) {
    const auto failure = error_of([&] { write_npz(path, arrays); });
    REQUIRE(failure);
    CHECK(failure->path() == path);
    CHECK(!std::filesystem::exists(path));
    return std::string(failure->what());
  };
  CHECK(refused({{"a", good}, {"narrow", bad}}).ends_with("array \"narrow\": numpy has no type for bfloat16"));
  CHECK(refused({{"a", good}, {"a", good}}).ends_with("array \"a\": has the name of another, expected each name once"));
  CHECK(refused({{"", good}}).find("name of 0 bytes") != std::string::npos);
  CHECK(refused({{std::string(1025, 'a'), good}}).find("name of 1025 bytes") != std::string::npos);
  CHECK(refused({{"\xff", good}}).find("of UTF-8") != std::string::npos);
  CHECK(refused({{std::string("a\0b", 3), good}}).find("name with a NUL") != std::string::npos);
  CHECK(dir.list().size() == 1);
}

TEST_CASE("TextsThatEndInNulAreNotWrittenAsNumpyWouldCutThem") {
  const temp_dir dir;
  const std::string text("x\0ya\0", 5);
  const std::uint64_t ends[] = {3, 5};
  const std::uint64_t shape[] = {2};
  const any_array bad(dtype::string, axis_order::row_major, extents(shape), 8, std::as_bytes(std::span(ends)), text);
  const named_array list[] = {{"words", bad}};
  const std::string path = dir.path("no.npy");
  CHECK_REFUSED(write_npy(path, bad), errc::unsupported, "no.npy: element 1: the text \"a\\x00\" ends in NUL");
  CHECK_REFUSED(write_npz(path, list), errc::unsupported, "no.npy: array \"words\" element 1: the text");
  CHECK(dir.list().empty());
  // Inside a text numpy keeps it.
  const std::uint64_t shorter[] = {3, 4};
  write_npy(path, any_array(dtype::string, axis_order::row_major, extents(shape), 8, std::as_bytes(std::span(shorter)),
                            std::string_view(text).substr(0, 4)));
  const npy_file back(path);
  CHECK(std::ranges::equal(back.array().text(), text.substr(0, 4)));
}

TEST_CASE("MoreThan65535MembersAreWrittenAndRead") {
  for (const std::size_t count : {std::size_t{65534}, std::size_t{65535}, std::size_t{65536}, std::size_t{70000}}) {
    CAPTURE(count);
    const temp_dir dir;
    const std::uint8_t value[] = {1};
    const any_array one(dtype::uint8, axis_order::row_major, extents(), 1, std::as_bytes(std::span(value)), {});
    std::vector<named_array> arrays;
    for (std::size_t i = 0; i < count; ++i)
      arrays.push_back({std::to_string(i), one});
    write_npz(dir.path("many.npz"), arrays);
    const bytes all = read_bytes(dir.path("many.npz"));
    // Other readers need the end of 64 bits from there on.
    const std::string_view text(reinterpret_cast<const char*>(all.data()), all.size());
    CHECK((text.find("PK\6\6") != text.npos) == (count > 65535));
    const std::vector<zip::member> members = npz_members(all, {});
    REQUIRE(members.size() == count);
    CHECK(npz_name(members.back()) == std::to_string(count - 1));
  }
}

TEST_CASE("ArraysThatPetrifyDoesNotHaveAreRefusedByName") {
  const temp_dir dir;
  const std::string from = folders[1] + "refused/";
  const auto message = [&](const std::string& name) { return refusal(dir, from + name); };
  CHECK(message("objects.npz") == "member \"bad.npy\" byte 0: array of Python objects (|O), expected numbers or text");
  CHECK(message("record.npz").find("(fields \"id\", \"weight\", \"gr\\xf6\\xdfe\")") != std::string::npos);
  CHECK(message("record.npz").ends_with(": save each field as an array of its own"));
  CHECK(message("date.npz").starts_with("member \"when.npy\": array of <M8, expected booleans"));
  CHECK(message("longdouble.npz").starts_with("member \"wide.npy\": array of <f16, expected"));
  CHECK(message("longdouble.npz").ends_with("save it as float64 or complex128"));
  CHECK(message("bfloat16.npz").find("array of |V2") != std::string::npos);
  CHECK(message("bfloat16.npz")
            .ends_with("bfloat16 looks like this, as numpy has no name for it; save it as safetensors"));
}

TEST_CASE("ZipsThatAreNoNpzFilesAreRefusedByName") {
  const temp_dir dir;
  const std::string from = folders[1] + "refused/";
  const auto message = [&](const std::string& name) { return refusal(dir, from + name); };
  CHECK(message("torch.pt").starts_with("is a PyTorch file (torch.save), expected its tensors in a .safetensors file"));
  CHECK(message("other.zip") ==
        "is a zip archive without arrays (its first of 1 members is \"readme.txt\"), expected a "
        ".npz file of .npy members");
  CHECK(message("raw_member.npz") == "member \"notes.txt\": is no array, expected .npy members alone");
  CHECK(message("bzip2.npz") == "member \"flags.npy\": is compressed with bzip2, expected deflate or none");
  CHECK(message("lzma.npz") == "member \"flags.npy\": is compressed with lzma, expected deflate or none");
  CHECK(message("same_name.npz").ends_with("two have this name, expected each once"));
  for (const auto& [member, what] : {std::pair{"model/constants.pkl", "a TorchScript model"},
                                     {"schema.json", "a skops file"},
                                     {"model.weights.h5", "a Keras model"},
                                     {"[Content_Types].xml", "an Office document"}})
    CHECK_REFUSED(import_only(dir, archive_of(dir, {{member, bytes(3)}})), errc::not_importable, what);
}

TEST_CASE("EncryptedMembersAreRefusedByName") {
  const temp_dir dir;
  bytes archive = archive_of(dir, {{"a.npy", small_npy()}});
  archive[6] |= std::byte{1};
  archive[entries_of(archive).at(0) + 8] |= std::byte{1};
  CHECK_REFUSED(import_only(dir, archive), errc::not_importable, "member \"a.npy\": is encrypted");
}

TEST_CASE("NamesThatAreNotMarkedAsUtf8AreRefusedUnlessTheyAreAscii") {
  const temp_dir dir;
  for (const auto& [name, is_fine] : {std::pair{"plain.npy", true}, {"größe.npy", false}}) {
    bytes archive = archive_of(dir, {{name, small_npy()}});
    archive[7] &= ~std::byte{8};
    archive[entries_of(archive).at(0) + 9] &= ~std::byte{8};
    if (is_fine)
      CHECK_NOTHROW(import_only(dir, archive));
    else
      CHECK_REFUSED(import_only(dir, archive), errc::not_importable, "not marked as UTF-8");
  }
}

TEST_CASE("WhatHeadersAndTheDirectorySayMustAgree") {
  const temp_dir dir;
  const bytes good = archive_of(dir, {{"a.npy", small_npy()}, {"b.npy", small_npy(5)}});
  CHECK_NOTHROW(import_only(dir, good));
  const std::size_t entry = entries_of(good).at(1);
  const auto second = static_cast<std::size_t>(zip::archive(good).members()[1].stored.data() - good.data());
  const std::string_view all(reinterpret_cast<const char*>(good.data()), good.size());
  const std::size_t header = all.rfind("PK\3\4", second);
  CHECK_REFUSED(import_only(dir, with<char>(good, header + 30, 'c')), errc::malformed, "member \"b.npy\"");
  CHECK_REFUSED(import_only(dir, with<char>(good, entry + 46, 'c')), errc::malformed, "member \"c.npy\"");
  for (const std::size_t at : {std::size_t{16}, std::size_t{20}, std::size_t{24}}) // checksum and sizes
    CHECK_REFUSED(import_only(dir, with<std::uint32_t>(good, entry + at, 100)), errc::malformed, "member \"b.npy\"");
  CHECK_REFUSED(import_only(dir, with<std::uint32_t>(good, entry + 42, 1)), errc::malformed, "member \"b.npy\"");
  CHECK_REFUSED(import_only(dir, with<std::uint32_t>(good, entry + 42, 0xfffffff0)), errc::malformed, "");
}

TEST_CASE("SizesOf64BitsInFrontOfAMemberMustBeThoseOfTheDirectory") {
  const temp_dir dir;
  // np.savez forces them: behind the name, eight bytes for the content and eight for what is stored.
  const bytes good = read_bytes(folders[1] + "long.npz");
  const auto content = static_cast<std::size_t>(zip::archive(good).members()[0].stored.data() - good.data());
  for (const std::size_t before : {std::size_t{16}, std::size_t{8}})
    CHECK_REFUSED(import_only(dir, with<std::uint64_t>(good, content - before, 1000)), errc::malformed,
                  "member \"steps.npy\": its header at byte 0 is not what the zip's directory says");
}

TEST_CASE("MembersThatShareBytesAreRefused") {
  const temp_dir dir;
  const bytes good = archive_of(dir, {{"a.npy", small_npy()}, {"a.npy", small_npy()}});
  CHECK_REFUSED(import_only(dir, with<std::uint32_t>(good, entries_of(good).at(1) + 42, 0)), errc::malformed,
                "shares bytes with member \"a.npy\"");
  // A member whose content holds the next one.
  const bytes inner = archive_of(dir, {{"b.npy", small_npy()}});
  const std::size_t inner_size = entries_of(inner).at(0);
  bytes outer_content = small_npy(inner_size);
  const std::size_t inside = outer_content.size() - inner_size;
  std::memcpy(outer_content.data() + inside, inner.data(), inner_size);
  bytes outer = archive_of(dir, {{"a.npy", outer_content}, {"b.npy", small_npy()}});
  const auto first = static_cast<std::size_t>(zip::archive(outer).members()[0].stored.data() - outer.data());
  outer = with(outer, entries_of(outer).back() + 42, static_cast<std::uint32_t>(first + inside));
  CHECK_REFUSED(import_only(dir, outer), errc::malformed, "member \"b.npy\": shares bytes with member \"a.npy\"");
}

TEST_CASE("BytesInFrontOfTheFirstMemberAndHiddenEntriesAreRefused") {
  const temp_dir dir;
  bytes archive = archive_of(dir, {{"a.npy", small_npy()}, {"b.npy", small_npy()}});
  bytes shifted = archive;
  shifted.insert(shifted.begin(), 10, std::byte{'x'});
  import_options options;
  options.from = import_format::npz;
  CHECK_REFUSED(import_only(dir, shifted, options), errc::malformed,
                "the zip's directory has 102 bytes from byte 387 on, expected it to end at byte 499");
  // An end that counts one entry fewer than there are.
  const std::size_t end = archive.size() - 22;
  archive = with<std::uint16_t>(with<std::uint16_t>(archive, end + 8, 1), end + 10, 1);
  CHECK_REFUSED(import_only(dir, archive), errc::malformed, "the zip's directory has 2 entries, expected 1");
  archive = with<std::uint16_t>(with<std::uint16_t>(archive, end + 8, 3), end + 10, 3);
  CHECK_REFUSED(import_only(dir, archive), errc::malformed, "the zip's directory has 2 entries, expected 3");
  archive = with<std::uint16_t>(with<std::uint16_t>(archive, end + 8, 0), end + 10, 0);
  CHECK_REFUSED(import_only(dir, archive), errc::malformed,
                "the zip has no members, but 489 bytes in front of its end");
  archive = archive_of(dir, {{"a.npy", small_npy()}});
  archive.push_back(std::byte{0});
  CHECK_REFUSED(import_only(dir, archive), errc::truncated, "a zip without a directory at its end");
}

TEST_CASE("ChangedContentsFailTheirChecksum") {
  const temp_dir dir;
  const bytes good = archive_of(dir, {{"a.npy", small_npy()}});
  const auto content = zip::archive(good).members()[0].stored;
  const auto last = static_cast<std::size_t>(content.data() - good.data()) + content.size() - 1;
  CHECK_REFUSED(import_only(dir, with<char>(good, last, 'x')), errc::corrupt, "member \"a.npy\": checksum");
}

TEST_CASE("BrokenCompressedContentsAreRefused") {
  const temp_dir dir;
  const bytes good = read_bytes(folders[1] + "long.npz");
  const std::span<const std::byte> content = zip::archive(good).members()[0].stored;
  const auto begin = static_cast<std::size_t>(content.data() - good.data());
  for (std::size_t at = begin; at < begin + content.size(); at += 1 + content.size() / 97) {
    CAPTURE(at);
    const auto failure = error_of([&] { import_only(dir, with(good, at, ~good[at])); });
    REQUIRE(failure);
    CHECK(failure->where().starts_with("member \"steps.npy\""));
  }
}

TEST_CASE("MembersThatEndBeforeOrAfterTheirArraysAreRefused") {
  const temp_dir dir;
  bytes cut = small_npy();
  cut.pop_back();
  CHECK_REFUSED(import_only(dir, archive_of(dir, {{"a.npy", cut}})), errc::truncated, "the member ends here");
  cut.resize(40);
  CHECK_REFUSED(import_only(dir, archive_of(dir, {{"a.npy", cut}})), errc::truncated, "inside the header");
  CHECK_REFUSED(import_only(dir, archive_of(dir, {{"a.npy", {}}})), errc::malformed, "no .npy file");
  bytes long_one = small_npy();
  long_one.push_back({});
  CHECK_REFUSED(import_only(dir, archive_of(dir, {{"a.npy", long_one}})), errc::malformed, "the member ends here");
}

TEST_CASE("DeflatedMembersAreDecodedToWhatTheyDeclareAndNoFurther") {
  const temp_dir dir;
  const bytes good = read_bytes(folders[1] + "long.npz");
  const std::size_t entry = entries_of(good).at(0);
  const auto lie = [&](std::uint64_t size) {
    // In both headers: numpy's local one has its sizes in an extra field behind the name.
    const auto local = static_cast<std::size_t>(zip::archive(good).members()[0].stored.data() - good.data()) - 16;
    return with(with(good, entry + 24, static_cast<std::uint32_t>(size)), local, size);
  };
  const std::uint64_t size = 60000 * 8 + 128;
  CHECK_NOTHROW(import_only(dir, lie(size)));
  CHECK_REFUSED(import_only(dir, lie(size - 8)), errc::truncated, "the member ends here");
  CHECK_REFUSED(import_only(dir, lie(size + 8)), errc::malformed, "the member ends here");
  CHECK_REFUSED(import_only(dir, lie(0x7fffffff)), errc::malformed, "compressed bytes cannot decode to 2147483647");
  import_options options;
  options.max_decoded_bytes = size - 1;
  CHECK_REFUSED(import_only(dir, good, options), errc::limit_exceeded, "decode to more than 480127 bytes");
  options.max_decoded_bytes = size;
  CHECK_NOTHROW(import_only(dir, good, options));
}

TEST_CASE("TheLimitOnDecodedBytesCountsAllMembersTogether") {
  const temp_dir dir;
  import_options options;
  options.max_decoded_bytes = 1000;
  CHECK_REFUSED(import_only(dir, read_bytes(folders[1] + "packed.npz"), options), errc::limit_exceeded,
                "the compressed members");
  // Stored ones are not decoded.
  CHECK_NOTHROW(import_only(dir, read_bytes(folders[1] + "all.npz"), options));
}

TEST_CASE("TheLimitOnDecodedBytesCountsWhatTextsBecome") {
  const temp_dir dir;
  const bytes packed = read_bytes(folders[1] + "piped_packed.npz");
  std::uint64_t size = 0;
  for (const zip::member& one : zip::archive(packed).members())
    size += one.is_deflated ? one.size : 0;
  const npy_file texts(folders[1] + "text.npy");
  size += texts.array().bytes().size() + texts.array().text().size();
  import_options options;
  options.max_decoded_bytes = size;
  CHECK_NOTHROW(import_only(dir, packed, options));
  options.max_decoded_bytes = size - 1;
  const auto failure = error_of([&] { import_only(dir, packed, options); });
  REQUIRE(failure);
  CHECK(failure->code() == errc::limit_exceeded);
  CHECK(failure->where() == "member \"text.npy\"");
  CHECK(failure->message().starts_with("4 texts would take "));
}

TEST_CASE("AnNpzFileThatIsCutAnywhereIsRefused") {
  for (const char* name : {"piped.npz", "piped_packed.npz"}) {
    const temp_dir dir;
    const bytes good = read_bytes(folders[1] + name);
    for (std::size_t size = 0; size < good.size(); ++size) {
      CAPTURE(size);
      const auto failure = error_of([&] { import_only(dir, std::span(good).first(size)); });
      REQUIRE(failure);
      if (size >= 4)
        CHECK(std::string(failure->what()).find("cut off") != std::string::npos);
    }
  }
}

TEST_CASE("AnNpzFileWithAnyByteChangedIsRefusedOrReadAsAFileThatIsSound") {
  for (const char* name : {"piped.npz", "piped_packed.npz"}) {
    const temp_dir dir;
    const bytes good = read_bytes(folders[1] + name);
    std::size_t refused = 0;
    for (std::size_t at = 0; at < good.size(); ++at)
      for (const unsigned change : {0x01u, 0x80u, 0xffu}) {
        bytes bad = good;
        bad[at] ^= static_cast<std::byte>(change);
        refused += error_of([&] { import_only(dir, bad); }) ? 1 : 0;
      }
    // Times, attributes and the like mean nothing to an array.
    CHECK(refused > good.size() * 3 / 2);
  }
}
