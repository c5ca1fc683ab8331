// Publishing, opening, rolling back, pruning and checking a store.
#include "store/stored_numbers.hpp"
#include "support/support.hpp"

#include <petrify/store.hpp>
#include <petrify/writer.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace petrify;
using namespace petrify::test;

namespace {

std::vector<std::uint64_t> numbers_of(const store& in, const char* name) {
  std::vector<std::uint64_t> out;
  for (const stored_version& one : in.list(name).versions)
    out.push_back(one.number);
  return out;
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    out.push_back(entry.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

} // namespace

TEST_CASE("PublishMakesVersionsOfWhichTheLastIsCurrent") {
  const temp_dir dir;
  const store s(dir.path("store"));
  CHECK(s.publish("m", stored_numbers(7)) == 1);
  CHECK(s.publish("m", stored_numbers(8)) == 2);
  CHECK(s.current("m") == 2);
  CHECK(number_in(s.open("m").file) == 8);
  CHECK(number_in(s.open("m", 1).file) == 7);
  CHECK(s.open("m").number == 2);
  CHECK(s.version_path("m") == dir.path("store/m/versions/2.stone"));
  CHECK(s.version_path("m", 1) == dir.path("store/m/versions/1.stone"));
  CHECK(names_in(dir.path("store/m")) == std::vector<std::string>{"CURRENT", "versions"});
  CHECK(names_in(dir.path("store/m/versions")) == std::vector<std::string>{"1.stone", "2.stone"});
  CHECK(s.check().empty());
}

TEST_CASE("AFileIsCopiedAndItsVersionIsReadOnly") {
  const temp_dir dir;
  write_numbers(dir.path("a.stone"), 5, 900'000); // more than the copying buffer
  const store s(dir.path("store"));
  CHECK(s.publish("m", dir.path("a.stone")) == 1);
  CHECK(read_bytes(s.version_path("m")) == read_bytes(dir.path("a.stone")));
  struct stat info {};
  REQUIRE(::stat(s.version_path("m").c_str(), &info) == 0);
  CHECK((info.st_mode & 0222) == 0);
  CHECK(info.st_nlink == 1);
  CHECK(std::filesystem::exists(dir.path("a.stone")));
}

TEST_CASE("PublishingTheSameBytesAgainGivesTheSameVersion") {
  const temp_dir dir;
  const store s(dir.path("store"));
  write_numbers(dir.path("a.stone"), 1);
  write_numbers(dir.path("b.stone"), 2);
  CHECK(s.publish("m", dir.path("a.stone")) == 1);
  CHECK(s.publish("m", dir.path("a.stone")) == 1);
  CHECK(s.publish("m", dir.path("b.stone")) == 2);
  // An older version's bytes make it current.
  CHECK(s.publish("m", dir.path("a.stone")) == 1);
  CHECK(s.current("m") == 1);
  CHECK(s.publish("m", stored_numbers(2)) == 2);
  CHECK(numbers_of(s, "m") == std::vector<std::uint64_t>{1, 2});
  CHECK(names_in(dir.path("store/m/versions")) == std::vector<std::string>{"1.stone", "2.stone"});
}

TEST_CASE("WhatDoesNotPassVerifyIsNotPublished") {
  const temp_dir dir;
  const store s(dir.path("store"));
  write_numbers(dir.path("a.stone"), 1, 1000);
  std::vector<std::byte> bytes = read_bytes(dir.path("a.stone"));
  bytes[200] ^= std::byte{1}; // an element: header and directory are sound
  write_bytes(dir.path("bad.stone"), bytes);
  CHECK_REFUSED(s.publish("m", dir.path("bad.stone")), errc::corrupt, dir.path("bad.stone") + ": segment 0");
  bytes.resize(bytes.size() - 1);
  write_bytes(dir.path("short.stone"), bytes);
  CHECK_REFUSED(s.publish("m", dir.path("short.stone")), errc::truncated, dir.path("short.stone"));
  write_text(dir.path("text"), "version https://git-lfs");
  CHECK_REFUSED(s.publish("m", dir.path("text")), errc::not_petrify, dir.path("text"));
  CHECK_REFUSED(s.publish("m", dir.path("none")), errc::io, dir.path("none"));
  CHECK_REFUSED(s.publish("m", dir.path("")), errc::not_regular, "a directory");
  CHECK_REFUSED(s.current("m"), errc::not_found, "no version of this name");
  s.publish("m", dir.path("a.stone"));
  CHECK_REFUSED(s.publish("m", dir.path("bad.stone")), errc::corrupt, "checksum");
  CHECK(numbers_of(s, "m") == std::vector<std::uint64_t>{1});
  CHECK(names_in(dir.path("store/m/versions")) == std::vector<std::string>{"1.stone"});
}

TEST_CASE("AWriterThatFailsPublishesNothing") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1));
  const auto publish = [&](const std::function<void(writer&)>& write) { return s.publish("m", write); };
  CHECK_THROWS_WITH(publish([](writer& out) {
                      out.add("a", std::vector<float>(10));
                      throw std::runtime_error("changed my mind");
                    }),
                    "changed my mind");
  CHECK_REFUSED(publish([](writer& out) { out.commit(); }), errc::invalid_argument, "expected store::publish");
  CHECK_REFUSED(publish([](writer& out) { writer elsewhere = std::move(out); }), errc::invalid_argument, "moved from");
  CHECK_REFUSED(publish([](writer& out) { out.stream<float>("rows"); }), errc::invalid_argument, "stream \"rows\"");
  CHECK_REFUSED(publish([](writer& out) { (void)out.plan<float>("rows", {3}); }), errc::invalid_argument,
                "object \"rows\"");
  CHECK(numbers_of(s, "m") == std::vector<std::uint64_t>{1});
  CHECK(names_in(dir.path("store/m/versions")) == std::vector<std::string>{"1.stone"});
}

TEST_CASE("NamesThatCouldBePathsAreRefused") {
  const temp_dir dir;
  const store s(dir.path("store"));
  const std::string longest(128, 'n');
  for (const std::string& name : {std::string(), std::string("."), std::string(".."), std::string("a/b"),
                                  std::string("/a"), std::string(".hidden"), std::string("-x"), std::string("a b"),
                                  std::string("a\n"), std::string("a\0b", 3), std::string("\xc3\xa4"), longest + "n"}) {
    CAPTURE(name);
    CHECK_REFUSED(s.publish(name, stored_numbers(1)), errc::invalid_argument, "expected 1 to 128 of");
    CHECK_REFUSED(s.open(name), errc::invalid_argument, "expected 1 to 128 of");
    CHECK_REFUSED(s.prune(name, 1), errc::invalid_argument, "expected 1 to 128 of");
  }
  CHECK_FALSE(std::filesystem::exists(dir.path("store")));
  for (const std::string& name : {std::string("A.b_c-1"), std::string("_"), longest})
    CHECK(s.publish(name, stored_numbers(1)) == 1);
}

TEST_CASE("WhatIsNotThereIsSaid") {
  const temp_dir dir;
  const store none(dir.path("none"));
  CHECK_REFUSED(none.list(), errc::not_found, dir.path("none") + ": no such folder, expected a store");
  CHECK_REFUSED(none.open("m"), errc::not_found, "no version of this name");
  CHECK_REFUSED(none.rollback("m"), errc::not_found, "no version of this name");
  CHECK_REFUSED(none.prune("m", 1), errc::not_found, "no version of this name");
  CHECK_REFUSED(none.follow("m"), errc::not_found, "no version of this name");
  CHECK(none.check().size() == 1);
  CHECK_REFUSED(store(dir.path("no/store")).publish("m", stored_numbers(1)), errc::io, "no/store: make this folder");
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1));
  s.publish("m", stored_numbers(2));
  CHECK_REFUSED(s.open("m", 3), errc::not_found, "version 3: is not there, expected one of 1, 2");
  CHECK_REFUSED(s.version_path("m", 3), errc::not_found, "version 3: is not there");
  CHECK_REFUSED(s.rollback("m", 3), errc::not_found, "version 3: is not there");
  CHECK_REFUSED(s.prune("m", 0), errc::invalid_argument, "keep is 0");
}

TEST_CASE("RollbackGoesBackByOneOrToAVersion") {
  const temp_dir dir;
  const store s(dir.path("store"));
  for (std::uint64_t i = 1; i <= 4; ++i)
    s.publish("m", stored_numbers(i));
  CHECK(s.rollback("m") == 3);
  CHECK(s.rollback("m") == 2);
  CHECK(number_in(s.open("m").file) == 2);
  CHECK(s.rollback("m", 4) == 4);
  CHECK(s.rollback("m", 1) == 1);
  CHECK_REFUSED(s.rollback("m"), errc::not_found, "version 1: is the oldest");
  CHECK(s.current("m") == 1);
  // A new version gets a new number, and becomes current.
  CHECK(s.publish("m", stored_numbers(5)) == 5);
  CHECK(s.current("m") == 5);
}

TEST_CASE("RollbackRefusesADamagedVersion") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1));
  s.publish("m", stored_numbers(2));
  flip_byte(s.version_path("m", 1), 200);
  CHECK_REFUSED(s.rollback("m"), errc::corrupt, s.version_path("m", 1) + ": segment 0");
  CHECK(s.current("m") == 2);
}

TEST_CASE("PruneKeepsTheNewestTheCurrentAndTheHeld") {
  const temp_dir dir;
  const store s(dir.path("store"));
  for (std::uint64_t i = 1; i <= 8; ++i)
    s.publish("m", stored_numbers(i));
  s.rollback("m", 2);
  {
    const file third = s.open("m", 3).file;
    const file copy = third;
    const prune_result result = s.prune("m", 2);
    CHECK(result.removed == std::vector<std::uint64_t>{1, 4, 5, 6});
    CHECK(result.held == std::vector<std::uint64_t>{3});
    CHECK(numbers_of(s, "m") == std::vector<std::uint64_t>{2, 3, 7, 8});
    CHECK(number_in(copy) == 3);
  }
  CHECK(s.prune("m", 2).removed == std::vector<std::uint64_t>{3});
  CHECK(s.prune("m", 1).removed == std::vector<std::uint64_t>{7});
  CHECK(s.prune("m", 1).removed.empty());
  // The newest stays, so that its number is not used again.
  CHECK(numbers_of(s, "m") == std::vector<std::uint64_t>{2, 8});
  CHECK(s.publish("m", stored_numbers(9)) == 9);
}

TEST_CASE("PruneSeesWhatAnotherProcessHolds") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1));
  s.publish("m", stored_numbers(2));
  const other_process holder([&] { return s.open("m", 1); });
  holder.wait_until_ready();
  CHECK(s.prune("m", 1).held == std::vector<std::uint64_t>{1});
  holder.end();
  CHECK(s.prune("m", 1).removed == std::vector<std::uint64_t>{1});
}

TEST_CASE("AnOpenFileOutlivesThePruningOfItsPath") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1));
  s.publish("m", stored_numbers(2));
  const file by_path = file::open(s.version_path("m", 1)); // holds nothing
  CHECK(s.prune("m", 1).removed == std::vector<std::uint64_t>{1});
  CHECK(number_in(by_path) == 1);
}

TEST_CASE("AMissingOrDamagedCurrentIsRecovered") {
  const temp_dir dir;
  const store s(dir.path("store"));
  for (std::uint64_t i = 1; i <= 3; ++i)
    s.publish("m", stored_numbers(i));
  s.rollback("m", 2);
  const std::string current = dir.path("store/m/CURRENT");
  const std::vector<std::byte> good = read_bytes(current);
  const auto recovers_to = [&](std::uint64_t number) {
    CHECK(s.current("m") == number);
    CHECK(s.list("m").current == number);
    CHECK(number_in(s.open("m").file) == number);
    CHECK(s.follow("m").version() == number);
    CHECK_FALSE(s.check().empty());
  };
  std::filesystem::remove(current);
  recovers_to(3);
  for (std::size_t at = 0; at < good.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::vector<std::byte> bad = good;
      bad[at] ^= static_cast<std::byte>(1 << bit);
      write_bytes(current, bad);
      REQUIRE(s.current("m") == 3);
    }
  for (std::size_t size = 0; size < good.size(); ++size) {
    write_bytes(current, std::span(good).first(size));
    REQUIRE(s.current("m") == 3);
  }
  for (const char* text : {"2\n", "2", "02 0123456789abcdef\n", "-2", "99999999999999999999 0\n", "CURRENT"}) {
    write_text(current, text);
    recovers_to(3);
  }
  write_bytes(current, std::vector<std::byte>(good.size(), std::byte{0}));
  recovers_to(3);
  std::vector<std::byte> longer = good;
  longer.push_back(std::byte{'\n'});
  write_bytes(current, longer);
  recovers_to(3);
  std::filesystem::remove(current);
  REQUIRE(::symlink("versions/1.stone", current.c_str()) == 0);
  recovers_to(3);
  std::filesystem::remove(current);
  std::filesystem::create_directory(current);
  recovers_to(3);
  std::filesystem::remove(current);
  REQUIRE(::mkfifo(current.c_str(), 0600) == 0);
  recovers_to(3);
  std::filesystem::remove(current);
  // The newest that opens.
  std::filesystem::permissions(s.version_path("m", 3), std::filesystem::perms::owner_write,
                               std::filesystem::perm_options::add);
  write_text(s.version_path("m", 3), "half a fi");
  recovers_to(2);
  // What is published next mends it.
  CHECK(s.publish("m", stored_numbers(4)) == 4);
  CHECK(s.current("m") == 4);
  std::filesystem::remove(s.version_path("m", 4));
  recovers_to(2);                                // CURRENT names a version that is gone
  CHECK(s.publish("m", stored_numbers(5)) == 5); // its number is not used again
}

TEST_CASE("WithoutAVersionThatOpensTheNewestOnesFaultIsSaid") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1));
  std::filesystem::remove(dir.path("store/m/CURRENT"));
  std::filesystem::remove(dir.path("store/m/versions/1.stone"));
  write_text(dir.path("store/m/versions/1.stone"), "half a fi");
  CHECK_REFUSED(s.open("m"), errc::not_petrify, "1.stone");
  // Publishing mends it.
  CHECK(s.publish("m", stored_numbers(2)) == 2);
  CHECK(s.current("m") == 2);
}

TEST_CASE("ThereIsALastVersionNumber") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1));
  const std::string versions = dir.path("store/m/versions/");
  std::filesystem::copy_file(versions + "1.stone", versions + "999999999999999998.stone");
  CHECK(s.publish("m", stored_numbers(2)) == 999'999'999'999'999'999);
  CHECK_REFUSED(s.publish("m", stored_numbers(3)), errc::limit_exceeded, "is the last number that there is");
  CHECK(s.current("m") == 999'999'999'999'999'999);
  CHECK(s.check().empty());
}

TEST_CASE("TheListIsInOrderAndLeavesOutWhatIsNotOfTheStore") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("b", stored_numbers(1));
  for (std::uint64_t i = 1; i <= 11; ++i)
    s.publish("a", stored_numbers(i, 100 * i));
  s.rollback("a", 9);
  write_text(dir.path("store/README"), "a note");
  write_text(dir.path("store/.hidden"), "a note");
  std::filesystem::create_directories(dir.path("store/empty/versions"));
  std::filesystem::create_directories(dir.path("store/other"));
  const std::vector<stored_name> names = s.list();
  REQUIRE(names.size() == 2);
  CHECK(names[0].name == "a");
  CHECK(names[1].name == "b");
  CHECK(names[0].current == 9);
  REQUIRE(names[0].versions.size() == 11);
  for (std::size_t i = 0; i < 11; ++i) {
    CHECK(names[0].versions[i].number == i + 1);
    CHECK(names[0].versions[i].size_bytes == std::filesystem::file_size(s.version_path("a", i + 1)));
  }
  CHECK(std::chrono::system_clock::now() - names[0].versions[0].published < std::chrono::minutes(10));
  CHECK(s.check().empty());
}

TEST_CASE("PruneRemovesNothingWhereCURRENTNamesNoVersion") {
  const temp_dir dir;
  const store s(dir.path("store"));
  for (std::uint64_t i = 1; i <= 4; ++i)
    s.publish("m", stored_numbers(i));
  s.rollback("m", 2);
  const std::string current = dir.path("store/m/CURRENT");
  write_text(current, "2");
  CHECK_REFUSED(s.prune("m", 1), errc::not_found, current + ": prune: names no version");
  std::filesystem::remove(current);
  CHECK_REFUSED(s.prune("m", 1), errc::not_found, "publish or rollback first");
  CHECK(numbers_of(s, "m").size() == 4);
  s.rollback("m", 2);
  CHECK(s.prune("m", 1).removed == std::vector<std::uint64_t>{1, 3});
}

TEST_CASE("AVersionThatCannotBeRemovedDoesNotKeepTheOthers") {
  const temp_dir dir;
  const store s(dir.path("store"));
  for (std::uint64_t i = 1; i <= 4; ++i)
    s.publish("m", stored_numbers(i));
  std::filesystem::remove(dir.path("store/m/versions/1.stone"));
  std::filesystem::create_directory(dir.path("store/m/versions/1.stone"));
  CHECK_REFUSED(s.prune("m", 1), errc::not_regular, "1.stone: is a directory");
  CHECK(numbers_of(s, "m") == std::vector<std::uint64_t>{1, 4});
}

TEST_CASE("APublishThatCannotReplaceCURRENTTakesItsVersionBack") {
  const temp_dir dir;
  const store s(dir.path("store"));
  REQUIRE(::chmod(dir.path("").c_str(), 0777) == 0);
  const plain_user user;
  s.publish("m", stored_numbers(1));
  s.publish("m", stored_numbers(2));
  s.rollback("m");
  const auto refuses = [&](std::uint64_t current) {
    REQUIRE(::chmod(dir.path("store/m").c_str(), 0555) == 0);
    CHECK_REFUSED(s.publish("m", stored_numbers(3)), errc::io, "CURRENT: create a temporary file beside it");
    REQUIRE(::chmod(dir.path("store/m").c_str(), 0755) == 0);
    CHECK(numbers_of(s, "m") == std::vector<std::uint64_t>{1, 2});
    CHECK(s.current("m") == current);
  };
  refuses(1);
  // Also where the newest stands in for CURRENT: a new one must not be seen for a moment.
  std::filesystem::remove(dir.path("store/m/CURRENT"));
  refuses(2);
  CHECK(s.publish("m", stored_numbers(3)) == 3);
}

TEST_CASE("AVersionThatSomebodyHasLockedIsAnErrorAndNotMissing") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1));
  const int locked = ::open(s.version_path("m").c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(locked >= 0);
  REQUIRE(::flock(locked, LOCK_EX) == 0);
  CHECK_REFUSED(s.open("m", 1), errc::io, "1.stone: lock: another process holds a lock on it");
  CHECK_REFUSED(s.open("m"), errc::io, "1.stone: lock: another process holds a lock on it");
  ::close(locked);
  CHECK(s.open("m").number == 1);
}

TEST_CASE("ANameWithoutAVersionThatOpensDoesNotHideTheOthers") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("a", stored_numbers(1));
  s.publish("b", stored_numbers(1));
  std::filesystem::remove(dir.path("store/a/CURRENT"));
  std::filesystem::remove(dir.path("store/a/versions/1.stone"));
  write_text(dir.path("store/a/versions/1.stone"), "half a fi");
  REQUIRE(s.list().size() == 2);
  CHECK(s.list()[0].current == 0);
  CHECK(s.list()[1].current == 1);
}

TEST_CASE("CheckLooksThroughLinksAndAtStickyFolders") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1));
  std::filesystem::create_directory_symlink(dir.path("store"), dir.path("link"));
  CHECK(store(dir.path("link")).check().empty());
  std::filesystem::create_directory_symlink(dir.path("store/m"), dir.path("store/n"));
  flip_byte(s.version_path("m"), 200);
  CHECK(s.check().size() == 2); // of both names
  std::filesystem::remove(dir.path("store/n"));
  flip_byte(s.version_path("m"), 200);
  CHECK(s.check().empty());
  for (const char* folder : {"store/m", "store/m/versions"}) {
    REQUIRE(::chmod(dir.path(folder).c_str(), 01777) == 0);
    REQUIRE(s.check().size() == 1);
    CHECK(std::string(s.check()[0].what()) ==
          dir.path(folder) + ": anybody may write it, expected only accounts that readers trust");
    REQUIRE(::chmod(dir.path(folder).c_str(), 0755) == 0);
  }
  REQUIRE(::chmod(dir.path("store").c_str(), 0777) == 0);
  CHECK(s.check().size() == 1);
}

TEST_CASE("CheckFindsEveryFault") {
  const temp_dir dir;
  const store s(dir.path("store"));
  for (std::uint64_t i = 1; i <= 3; ++i)
    s.publish("a", stored_numbers(i));
  s.publish("b", stored_numbers(1));
  s.publish("c", stored_numbers(1));
  CHECK(s.check().empty());
  flip_byte(s.version_path("a", 1), 200);
  flip_byte(s.version_path("a", 3), 20);
  write_text(dir.path("store/a/versions/03.stone"), "x");
  std::filesystem::create_directory(dir.path("store/a/versions/4.stone"));
  write_text(dir.path("store/a/versions/notes.txt"), "not a version");
  REQUIRE(::chmod(dir.path("store/a/versions").c_str(), 0777) == 0);
  write_text(dir.path("store/b/CURRENT"), "1\n");
  std::filesystem::remove(dir.path("store/c/CURRENT"));
  std::vector<std::string> found;
  for (const error& one : s.check())
    found.emplace_back(one.what());
  const std::string at = dir.path("store/");
  const std::vector<std::string> expected{
      at + "a/versions: anybody may write it",
      at + "a/versions/03.stone: is no version's name",
      at + "a/versions/1.stone: segment 0",
      at + "a/versions/3.stone: ",
      at + "a/versions/4.stone: is no regular file",
      at + "b/CURRENT: is \"1\\n\", expected a number and its checksum",
      at + "c/CURRENT: is missing",
  };
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK_MESSAGE(found[i].starts_with(expected[i]), found[i]);
}

TEST_CASE("LeftoversOfDeadPublishersAreSwept") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", stored_numbers(1));
  const std::string versions = dir.path("store/m/versions/");
  write_text(versions + ".incoming.0123456789ab.petrify-tmp", "half");
  REQUIRE(::chmod((versions + ".incoming.0123456789ab.petrify-tmp").c_str(), 0444) == 0);
  // Killed between link and unlink: a second name of a version, which somebody holds.
  REQUIRE(::link((versions + "1.stone").c_str(), (versions + ".incoming.abcdefghijkl.petrify-tmp").c_str()) == 0);
  const opened_version held = s.open("m");
  write_text(dir.path("store/m/.CURRENT.0123456789ab.petrify-tmp"), "9");
  CHECK(s.list("m").versions.size() == 1);
  CHECK(s.check().empty());
  s.publish("m", stored_numbers(2));
  CHECK(names_in(versions) == std::vector<std::string>{"1.stone", "2.stone"});
  CHECK(names_in(dir.path("store/m")) == std::vector<std::string>{"CURRENT", "versions"});
  // Also by one that finds its version there, and current.
  write_text(dir.path("store/m/.CURRENT.0123456789ab.petrify-tmp"), "9");
  CHECK(s.publish("m", stored_numbers(2)) == 2);
  CHECK(names_in(dir.path("store/m")) == std::vector<std::string>{"CURRENT", "versions"});
}

TEST_CASE("OpeningFromAStoreDoesNotLookAtTheNodes") {
  const temp_dir dir;
  const store s(dir.path("store"));
  s.publish("m", [](writer& out) { out.add("model", stump(1)); });
  // A child offset that leads out of the nodes: verify and a forest that is checked refuse it.
  damage_first_node(s.version_path("m"));
  const opened_version trusting = s.open("m");
  CHECK_NOTHROW(trusting.file.forest("model"));
  const opened_version checking = s.open("m", std::nullopt, {}, trust::nothing);
  CHECK_REFUSED(checking.file.forest("model"), errc::malformed, "object \"model\"");
  CHECK_FALSE(s.check().empty());
}

TEST_CASE("AStoreMayBeInAFolderThatItsPublisherCannotRead") {
  const temp_dir dir;
  std::filesystem::create_directory(dir.path("outer"));
  REQUIRE(::chown(dir.path("").c_str(), ::geteuid(), ::getegid()) == 0);
  REQUIRE(::chmod(dir.path("").c_str(), 0711) == 0);
  REQUIRE(::chmod(dir.path("outer").c_str(), 0333) == 0);
  {
    const plain_user user;
    CHECK(store(dir.path("outer/store")).publish("m", stored_numbers(1)) == 1);
  }
  REQUIRE(::chmod(dir.path("outer").c_str(), 0755) == 0);
  CHECK(store(dir.path("outer/store")).current("m") == 1);
}

TEST_CASE("ManyPublishersOfOneNameLoseNothing") {
  const temp_dir dir;
  const store s(dir.path("store"));
  constexpr std::uint64_t each = 20;
  {
    std::vector<std::unique_ptr<other_process>> publishers;
    for (std::uint64_t p = 0; p < 4; ++p)
      publishers.push_back(std::make_unique<other_process>([&s, p] {
        for (std::uint64_t i = 0; i < each; ++i) {
          const std::uint64_t content = i % 2 == 0 ? p * 1000 + i : 5000 + i; // half of them the same everywhere
          const std::uint64_t number = s.publish("m", stored_numbers(content));
          if (number_in(s.open("m", number).file) != content)
            throw std::runtime_error("another one's content");
        }
        return 0;
      }));
    for (const auto& one : publishers)
      one->end();
  }
  const stored_name all = s.list("m");
  CHECK(all.versions.size() == 4 * each / 2 + each / 2);
  CHECK(all.versions.back().number == all.versions.size());
  CHECK(s.check().empty());
}
