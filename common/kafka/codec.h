// Field-list codec for Kafka's wire messages, its internal topics' records and Meridian's metadata values.
//
// A message is a struct with one visitor method, its fields in wire order:
//
//     void fields(this auto& self, auto& f) {
//       f(self.name);                    // all versions
//       f(self.rack, since(3));          // versions 3 and later
//       f(self.old_id, until(14));       // versions up to 14
//       f(self.hint, tag(0, 10));        // tagged field 0, from version 10
//     }
//
// Encoder and Decoder visit that list; so do printers and random-value makers. Types: integers, bool, double, std::string
// (STRING), std::optional<std::string> (nullable STRING), Blob (BYTES), std::optional<Blob>, Uuid, ErrorCode, Records,
// std::vector<T> (ARRAY), std::optional<std::vector<T>> (nullable ARRAY), structs and std::optional of tagged structs.
// From a message's first flexible version on, lengths are unsigned varints plus one and structs end in tagged fields (KIP-482).
// Source: Kafka protocol guide, "Protocol Primitive Types".
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/uuid.h"
#include "common/kafka/error_code.h"

namespace meridian::kafka {

/// Memory that one request may unfold into while decoding; beyond it decoding fails (arrays of tiny elements).
inline constexpr std::size_t decoded_bytes_max = 256u << 20;

struct VersionRange {
  std::int16_t min;
  std::int16_t max;
};

/// What is fixed about one API: key, versions that Meridian knows, first flexible version.
struct ApiInfo {
  std::int16_t key;
  const char* name;
  VersionRange versions;
  std::int16_t flexible_since;  ///< beyond versions.max where no version is flexible
  bool flexible(std::int16_t version) const { return version >= flexible_since; }
};

struct FieldOptions {
  std::int16_t since = 0;
  std::int16_t until = 32767;
  int tag = -1;
  std::int64_t default_value = 0;  ///< of a tagged integer: it is not sent when equal
  bool nullable = false;           ///< a tagged struct is preceded by its presence byte
};
constexpr FieldOptions since(std::int16_t version) { return {.since = version}; }
constexpr FieldOptions until(std::int16_t version) { return {.until = version}; }
constexpr FieldOptions between(std::int16_t first, std::int16_t last) { return {.since = first, .until = last}; }
constexpr FieldOptions tag(int number, std::int16_t first = 0, std::int64_t default_value = 0) {
  return {.since = first, .tag = number, .default_value = default_value};
}
constexpr FieldOptions nullable_tag(int number) { return {.tag = number, .nullable = true}; }

/// BYTES: INT32 length in classic versions, where a STRING has INT16.
struct Blob {
  Bytes data;
  bool operator==(const Blob&) const = default;
};

/// RECORDS. Decoded: a view into the received frame, valid as long as that frame. Encoded: `view`, or where `body` is set,
/// `body_size` bytes that the sender splices in (file slices for sendfile); the codec never copies those.
struct Records {
  ByteView view;
  std::shared_ptr<void> body;
  std::size_t body_size = 0;
  bool null = false;
  std::size_t size() const { return body ? body_size : view.size(); }
  bool operator==(const Records& other) const { return view == other.view && null == other.null; }
};

/// Place in an encoded message at which a Records body belongs.
struct Splice {
  std::size_t position;
  std::shared_ptr<void> body;
  std::size_t size;
};

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_vector : std::false_type {};
template <class T, class A>
struct is_vector<std::vector<T, A>> : std::true_type {};

template <class T>
concept Struct = std::is_class_v<T> && !is_optional<T>::value && !is_vector<T>::value && !std::same_as<T, std::string> && !std::same_as<T, Blob> &&
                 !std::same_as<T, Uuid> && !std::same_as<T, Records>;

template <class T>
struct is_optional_struct : std::false_type {};
template <class T>
struct is_optional_struct<std::optional<T>> : std::bool_constant<Struct<T>> {};

template <class T>
bool is_default(const T& value, const FieldOptions& options) {
  if constexpr (std::integral<T>) {
    return static_cast<std::int64_t>(value) == options.default_value;
  } else if constexpr (is_optional<T>::value) {
    return !value.has_value();
  } else if constexpr (is_vector<T>::value || std::same_as<T, std::string>) {
    return value.empty();
  } else {
    return value == T{};
  }
}

void append_unsigned_varint(Bytes& out, std::uint64_t value);
void append_varint(Bytes& out, std::int64_t value);  ///< zigzag
/// Read at `at` (advanced); nullopt when truncated or longer than 10 bytes.
std::optional<std::uint64_t> read_unsigned_varint(ByteView bytes, std::size_t& at);
std::optional<std::int64_t> read_varint(ByteView bytes, std::size_t& at);

/// Appends a message to `out`. Splices refer to positions in `out`.
class Encoder {
 public:
  Encoder(Bytes& out, std::int16_t version, bool flexible) : out_(out), version_(version), flexible_(flexible) {}

  template <class T>
  void operator()(const T& value, FieldOptions options = {}) {
    if (version_ < options.since || version_ > options.until) return;
    if (options.tag >= 0) {
      if (!flexible_) return;
      if (pass_ == Pass::count_tags) tag_count_ += !is_default(value, options);
      if (pass_ == Pass::write_tags && options.tag == wanted_tag_ && !is_default(value, options)) write_tagged(value, options);
      return;
    }
    if (pass_ == Pass::fields) write(value);
  }

  template <class T>
  void write_struct(const T& value) {
    const Pass outer_pass = pass_;
    const int outer_count = tag_count_;
    const int outer_wanted = wanted_tag_;
    pass_ = Pass::fields;
    value.fields(*this);
    if (flexible_) {
      pass_ = Pass::count_tags;
      tag_count_ = 0;
      value.fields(*this);
      int left = tag_count_;
      append_unsigned_varint(out_, static_cast<std::uint64_t>(left));
      for (int wanted = 0; left > 0; ++wanted) {  // ascending tags, as KIP-482 demands
        const std::size_t before = out_.size();
        pass_ = Pass::write_tags;
        wanted_tag_ = wanted;
        value.fields(*this);
        left -= out_.size() != before;
      }
    }
    pass_ = outer_pass;
    tag_count_ = outer_count;
    wanted_tag_ = outer_wanted;
  }

  std::vector<Splice> splices;

 private:
  enum class Pass { fields, count_tags, write_tags };

  template <class T>
  void write(const T& value) {
    if constexpr (std::same_as<T, bool>) {
      out_ += value ? '\1' : '\0';
    } else if constexpr (std::same_as<T, ErrorCode>) {
      base::append_be(out_, static_cast<std::int16_t>(value));
    } else if constexpr (std::integral<T>) {
      base::append_be(out_, value);
    } else if constexpr (std::same_as<T, double>) {
      base::append_be(out_, std::bit_cast<std::int64_t>(value));
    } else if constexpr (std::same_as<T, Uuid>) {
      out_.append(value.bytes.data(), value.bytes.size());
    } else if constexpr (std::same_as<T, std::string>) {
      string_length(static_cast<std::int64_t>(value.size()));
      out_ += value;
    } else if constexpr (std::same_as<T, std::optional<std::string>>) {
      if (!value) return string_length(-1);
      write(*value);
    } else if constexpr (std::same_as<T, Blob>) {
      array_length(static_cast<std::int64_t>(value.data.size()));
      out_ += value.data;
    } else if constexpr (std::same_as<T, Records>) {
      if (value.null) return array_length(-1);
      array_length(static_cast<std::int64_t>(value.size()));
      if (value.body) splices.push_back({out_.size(), value.body, value.body_size});
      else out_ += value.view;
    } else if constexpr (is_vector<T>::value) {
      array_length(static_cast<std::int64_t>(value.size()));
      for (const auto& element : value) write(element);
    } else if constexpr (is_optional<T>::value) {
      using Inner = typename T::value_type;
      if constexpr (is_vector<Inner>::value || std::same_as<Inner, Blob>) {
        if (!value) return array_length(-1);
        write(*value);
      } else {  // nullable struct: INT8 presence, -1 = null
        out_ += value ? '\1' : '\xff';
        if (value) write_struct(*value);
      }
    } else {
      write_struct(value);
    }
  }

  template <class T>
  void write_tagged(const T& value, const FieldOptions& options) {
    Bytes body;
    Encoder inner(body, version_, flexible_);
    if constexpr (is_optional_struct<T>::value) {
      if (options.nullable) inner.write(value);
      else inner.write(*value);
    } else {
      inner.write(value);
    }
    append_unsigned_varint(out_, static_cast<std::uint64_t>(options.tag));
    append_unsigned_varint(out_, body.size());
    out_ += body;
  }

  void string_length(std::int64_t n) {
    if (flexible_) append_unsigned_varint(out_, static_cast<std::uint64_t>(n + 1));
    else base::append_be(out_, static_cast<std::int16_t>(n));
  }
  void array_length(std::int64_t n) {
    if (flexible_) append_unsigned_varint(out_, static_cast<std::uint64_t>(n + 1));
    else base::append_be(out_, static_cast<std::int32_t>(n));
  }

  Bytes& out_;
  std::int16_t version_;
  bool flexible_;
  Pass pass_ = Pass::fields;
  int tag_count_ = 0;
  int wanted_tag_ = 0;
};

/// Reads a message out of `bytes`. After the first problem `ok()` is false, `problem()` names it and fields keep their defaults.
class Decoder {
 public:
  Decoder(ByteView bytes, std::int16_t version, bool flexible) : bytes_(bytes), version_(version), flexible_(flexible) {}

  bool ok() const { return problem_ == nullptr; }
  const char* problem() const { return problem_; }
  std::size_t position() const { return at_; }
  std::size_t remaining() const { return bytes_.size() - at_; }

  template <class T>
  void operator()(T& value, FieldOptions options = {}) {
    if (!ok() || version_ < options.since || version_ > options.until) return;
    if (options.tag >= 0) {
      if (wanted_tag_ == options.tag) {
        if constexpr (is_optional_struct<T>::value) {
          if (options.nullable) read(value);
          else read(value.emplace());
        } else {
          read(value);
        }
        tag_known_ = true;  // after read(): a nested struct has tags of its own
      }
      return;
    }
    if (wanted_tag_ < 0) read(value);
  }

  template <class T>
  void read_struct(T& value) {
    const int outer_tag = wanted_tag_;
    wanted_tag_ = -1;
    value.fields(*this);
    if (flexible_ && ok()) read_tags(value);
    wanted_tag_ = outer_tag;
  }

 private:
  template <class T>
  void read_tags(T& value) {
    const std::uint64_t count = varint();
    for (std::uint64_t i = 0; i < count && ok(); ++i) {
      const std::uint64_t number = varint();
      const std::uint64_t size = varint();
      if (!ok()) return;
      if (size > remaining() || number > 1'000'000) return fail_with("tagged field runs past the end");
      const std::size_t end = at_ + size;
      wanted_tag_ = static_cast<int>(number);
      tag_known_ = false;
      value.fields(*this);
      const bool known = tag_known_;
      wanted_tag_ = -1;
      if (!ok()) return;
      if (!known) at_ = end;
      if (at_ != end) return fail_with("tagged field of wrong size");
    }
  }

  template <class T>
  void read(T& value) {
    if (!ok()) return;
    if constexpr (std::same_as<T, bool>) {
      std::int8_t raw = 0;
      read(raw);
      value = raw != 0;
    } else if constexpr (std::same_as<T, ErrorCode>) {
      std::int16_t raw = 0;
      read(raw);
      value = static_cast<ErrorCode>(raw);
    } else if constexpr (std::integral<T>) {
      if (remaining() < sizeof(T)) return fail_with("truncated integer");
      value = base::load_be<T>(bytes_.data() + at_);
      at_ += sizeof(T);
    } else if constexpr (std::same_as<T, double>) {
      std::int64_t raw = 0;
      read(raw);
      value = std::bit_cast<double>(raw);
    } else if constexpr (std::same_as<T, Uuid>) {
      const ByteView raw = take(16);
      if (ok()) std::memcpy(value.bytes.data(), raw.data(), 16);
    } else if constexpr (std::same_as<T, std::string>) {
      const std::int64_t n = string_length();
      if (n < 0) return fail_with("null where a string is required");
      value = take(static_cast<std::size_t>(n));
    } else if constexpr (std::same_as<T, std::optional<std::string>>) {
      const std::int64_t n = string_length();
      if (n < 0) value.reset();
      else value.emplace(take(static_cast<std::size_t>(n)));
    } else if constexpr (std::same_as<T, Blob>) {
      const std::int64_t n = array_length();
      if (n < 0) return fail_with("null where bytes are required");
      value.data = take(static_cast<std::size_t>(n));
    } else if constexpr (std::same_as<T, Records>) {
      const std::int64_t n = array_length();
      value.null = n < 0;
      if (n >= 0) value.view = take(static_cast<std::size_t>(n));
    } else if constexpr (is_vector<T>::value) {
      const std::int64_t n = array_length();
      if (n < 0) return fail_with("null where an array is required");
      read_elements(value, n);
    } else if constexpr (is_optional<T>::value) {
      using Inner = typename T::value_type;
      if constexpr (is_vector<Inner>::value) {
        const std::int64_t n = array_length();
        if (n < 0) value.reset();
        else read_elements(value.emplace(), n);
      } else if constexpr (std::same_as<Inner, Blob>) {
        const std::int64_t n = array_length();
        if (n < 0) value.reset();
        else value.emplace(Bytes(take(static_cast<std::size_t>(n))));
      } else {
        std::int8_t present = 0;
        read(present);
        if (present >= 0) read(value.emplace());
        else value.reset();
      }
    } else {
      read_struct(value);
    }
  }

  template <class V>
  void read_elements(V& out, std::int64_t n) {
    if (!ok()) return;
    using E = typename V::value_type;
    if (static_cast<std::uint64_t>(n) > remaining()) return fail_with("array longer than the message");
    unfolded_ += static_cast<std::size_t>(n) * sizeof(E);
    if (unfolded_ > decoded_bytes_max) return fail_with("arrays unfold beyond the decoding limit");
    out.clear();
    out.reserve(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n && ok(); ++i) {
      E element{};
      read(element);
      out.push_back(std::move(element));
    }
  }

  std::uint64_t varint() {
    const auto value = read_unsigned_varint(bytes_, at_);
    if (!value) fail_with("bad varint");
    return value.value_or(0);
  }
  std::int64_t string_length() {
    if (flexible_) return compact_length();
    std::int16_t n = 0;
    read(n);
    if (n < -1) fail_with("negative length");
    return n;
  }
  std::int64_t array_length() {
    if (flexible_) return compact_length();
    std::int32_t n = 0;
    read(n);
    if (n < -1) fail_with("negative length");
    return n;
  }
  std::int64_t compact_length() {
    const std::uint64_t n = varint();
    if (n > (1ull << 31)) fail_with("length over 2 GiB");
    return ok() ? static_cast<std::int64_t>(n) - 1 : 0;
  }
  ByteView take(std::size_t n) {
    if (!ok()) return {};
    if (n > remaining()) {
      fail_with("length runs past the end");
      return {};
    }
    const ByteView view = bytes_.substr(at_, n);
    at_ += n;
    return view;
  }
  void fail_with(const char* problem) {
    if (!problem_) problem_ = problem;
  }

  ByteView bytes_;
  std::int16_t version_;
  bool flexible_;
  std::size_t at_ = 0;
  std::size_t unfolded_ = 0;
  int wanted_tag_ = -1;
  bool tag_known_ = false;
  const char* problem_ = nullptr;
};

/// Appends a request or response body. Defined in messages/messages_*.cc for every message.
template <class T>
void encode_message(Encoder& encoder, const T& message);
template <class T>
Result<T> decode_message(ByteView bytes, std::int16_t version);

/// Encodes a struct that is no request or response: internal topic records, metadata values.
template <class T>
void encode_struct(Bytes& out, const T& value, std::int16_t version, bool flexible) {
  Encoder encoder(out, version, flexible);
  encoder.write_struct(value);
}

template <class T>
Result<T> decode_struct(ByteView bytes, std::int16_t version, bool flexible) {
  Decoder decoder(bytes, version, flexible);
  T value{};
  decoder.read_struct(value);
  if (!decoder.ok()) return fail(Errc::corrupt, decoder.problem());
  return value;
}

}  // namespace meridian::kafka
