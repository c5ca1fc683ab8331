// Mutations of .npz files: members are taken apart, their contents changed, and put together with right sizes and
// checksums, deflated or not; then, sometimes, a field of a header becomes another number.
#include "dice.hpp"
#include "target.hpp"

#include "import/zip.hpp"

#include <petrify/error.hpp>

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace petrify::fuzz {

namespace {

constexpr std::string_view literals[] = {"0",
                                         "1",
                                         "(",
                                         ")",
                                         "(2,)",
                                         "(2, 3)",
                                         "()",
                                         "'<f4'",
                                         "'>i2'",
                                         "'|S3'",
                                         "'<U2'",
                                         "'|O'",
                                         "True",
                                         "False",
                                         "'<V2'",
                                         "'|b1'",
                                         "'<M8[s]'",
                                         "4294967296",
                                         "9223372036854775807",
                                         "[('a', '<f4')]",
                                         "'shape'",
                                         "'descr'"};

struct part {
  std::string name;
  std::string content;
  bool is_deflated = false;
};

std::vector<part> take_apart(std::span<const std::byte> input) {
  std::vector<part> out;
  const zip::archive archive(input);
  for (const zip::member& one : archive.members()) {
    part& into = out.emplace_back(part{one.name, {}, one.is_deflated});
    zip::content from(one);
    for (auto piece = from.next(4096); !piece.empty() && into.content.size() < (16 << 10); piece = from.next(4096))
      into.content.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
  return out;
}

bool is_separator(char c) { return c == ',' || c == ':' || c == '(' || c == ')' || c == '{' || c == '}' || c == ' '; }

// A piece of the .npy header becomes another, and its length is made right; or some elements change.
void change_content(dice& roll, std::string& npy) {
  const std::size_t end = npy.find('\n');
  if (end == npy.npos || end < 12 || roll.once_in(4)) {
    if (!npy.empty())
      change(roll, npy);
    return;
  }
  std::string header = npy.substr(10, end - 10);
  // Before the dict's end: spaces follow.
  std::size_t begin = roll.below(std::min(header.size(), header.find('}')) + 1);
  while (begin > 0 && !is_separator(header[begin - 1]))
    --begin;
  std::size_t stop = begin;
  while (stop < header.size() && !is_separator(header[stop]))
    ++stop;
  header.replace(begin, stop - begin, literals[roll.below(std::size(literals))]);
  std::string rest = npy.substr(end);
  if (roll.once_in(3))
    rest.resize(1 + roll.below(rest.size() + 8));
  npy = npy.substr(0, 8) + static_cast<char>((header.size() + 1) & 0xff) + static_cast<char>((header.size() + 1) >> 8) +
        header + rest;
}

std::string deflated(const std::string& content) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, content.size()) + 16, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

class zip_text {
public:
  template <class T>
  zip_text& put(T number) {
    text_.append(reinterpret_cast<const char*>(&number), sizeof number);
    return *this;
  }
  zip_text& put(const std::string& text) {
    text_ += text;
    return *this;
  }
  std::string& text() { return text_; }

private:
  std::string text_;
};

// Fields of the headers, of 2, 4 or 8 bytes: what is changed beyond the contents.
struct field {
  std::size_t at;
  std::size_t width;
};

std::string put_together(dice& roll, const std::vector<part>& parts) {
  zip_text all;
  std::string directory;
  std::vector<field> fields;
  for (const part& one : parts) {
    const std::string stored = one.is_deflated ? deflated(one.content) : one.content;
    const auto checksum = static_cast<std::uint32_t>(
        crc32(0, reinterpret_cast<const Bytef*>(one.content.data()), static_cast<uInt>(one.content.size())));
    const auto offset = static_cast<std::uint32_t>(all.text().size());
    const auto stored_size = static_cast<std::uint32_t>(stored.size());
    const auto size = static_cast<std::uint32_t>(one.content.size());
    const auto name_size = static_cast<std::uint16_t>(one.name.size());
    const std::uint16_t method = one.is_deflated ? 8 : 0;
    const bool is_wide = roll.once_in(2);
    const bool has_descriptor = !is_wide && roll.once_in(3);
    const auto flags = static_cast<std::uint16_t>(0x800 | (has_descriptor ? 8 : 0));
    const std::uint32_t zero = 0;
    const std::uint32_t full = 0xffffffff;
    const std::uint16_t extra_size = is_wide ? 20 : 0;
    for (const field f : {field{6, 2}, {8, 2}, {14, 4}, {18, 4}, {22, 4}, {26, 2}, {28, 2}})
      fields.push_back({offset + f.at, f.width});
    all.put(std::uint32_t{0x04034b50}).put(std::uint16_t{45}).put(flags).put(method).put(std::uint32_t{0x00210000});
    all.put(has_descriptor ? zero : checksum).put(has_descriptor ? zero : is_wide ? full : stored_size);
    all.put(has_descriptor ? zero : is_wide ? full : size).put(name_size).put(extra_size).put(one.name);
    if (is_wide) {
      for (const std::size_t at : {std::size_t{0}, std::size_t{2}})
        fields.push_back({all.text().size() + at, 2});
      all.put(std::uint16_t{1}).put(std::uint16_t{16}).put(std::uint64_t{size}).put(std::uint64_t{stored_size});
      fields.push_back({all.text().size() - 16, 8});
      fields.push_back({all.text().size() - 8, 8});
    }
    all.put(stored);
    if (has_descriptor)
      all.put(std::uint32_t{0x08074b50}).put(checksum).put(stored_size).put(size);
    zip_text entry;
    entry.put(std::uint32_t{0x02014b50}).put(std::uint16_t{45}).put(std::uint16_t{45}).put(flags).put(method);
    entry.put(std::uint32_t{0x00210000}).put(checksum).put(stored_size).put(size).put(name_size).put(std::uint16_t{0});
    entry.put(std::uint16_t{0}).put(std::uint16_t{0}).put(std::uint16_t{0}).put(zero).put(offset).put(one.name);
    directory += entry.text();
  }
  const auto place = static_cast<std::uint32_t>(all.text().size());
  for (std::size_t at = 0; at + 46 <= directory.size(); at += 46 + static_cast<unsigned char>(directory[at + 28]))
    for (const field f : {field{8, 2}, {10, 2}, {16, 4}, {20, 4}, {24, 4}, {28, 2}, {30, 2}, {32, 2}, {34, 2}, {42, 4}})
      fields.push_back({place + at + f.at, f.width});
  all.put(directory);
  for (const field f : {field{4, 2}, {8, 2}, {10, 2}, {12, 4}, {16, 4}, {20, 2}})
    fields.push_back({all.text().size() + f.at, f.width});
  const auto count = static_cast<std::uint16_t>(parts.size());
  all.put(std::uint32_t{0x06054b50}).put(std::uint32_t{0}).put(count).put(count);
  all.put(static_cast<std::uint32_t>(directory.size())).put(place).put(std::uint16_t{0});
  if (roll.once_in(3)) {
    const field f = fields[roll.below(fields.size())];
    std::uint64_t number = 0;
    std::memcpy(&number, all.text().data() + f.at, f.width);
    number = roll.once_in(4) ? roll.below(all.text().size()) : other_number(roll, number);
    std::memcpy(all.text().data() + f.at, &number, f.width);
  }
  return all.text();
}

} // namespace

std::size_t mutate(std::uint8_t* data, std::size_t size, std::size_t room, std::uint32_t seed) {
  dice roll(seed);
  if (roll.once_in(6))
    return LLVMFuzzerMutate(data, size, room);
  std::vector<part> parts;
  try {
    parts = take_apart({reinterpret_cast<const std::byte*>(data), size});
  } catch (const error&) {
    return LLVMFuzzerMutate(data, size, room);
  }
  if (parts.empty())
    return LLVMFuzzerMutate(data, size, room);
  const std::size_t at = roll.below(parts.size());
  switch (roll.below(8)) {
  case 0: parts.push_back(parts[at]); [[fallthrough]];
  case 1: change(roll, parts[at].name); break;
  case 2: parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at)); break;
  case 3: parts[at].is_deflated = !parts[at].is_deflated; break;
  default: change_content(roll, parts[at].content);
  }
  for (part& one : parts)
    one.name.resize(std::min<std::size_t>(one.name.size(), 200));
  const std::string all = put_together(roll, parts);
  if (all.size() > room)
    return size;
  std::memcpy(data, all.data(), all.size());
  return all.size();
}

} // namespace petrify::fuzz
