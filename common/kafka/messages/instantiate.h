// Definitions behind encode_message and decode_message; included by messages_*.cc alone.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

template <class T>
void encode_message(Encoder& encoder, const T& message) {
  encoder.write_struct(message);
}

template <class T>
Result<T> decode_with(ByteView bytes, std::int16_t version, bool flexible) {
  Decoder decoder(bytes, version, flexible);
  T message{};
  decoder.read_struct(message);
  if (!decoder.ok()) return fail(Errc::corrupt, decoder.problem());
  // Bytes after the end are ignored, as Kafka does: librdkafka 2.12 sends one too many in Metadata 13.
  return message;
}

}  // namespace meridian::kafka

#define MERIDIAN_INSTANTIATE(NAME)                                                            \
  template <>                                                                                 \
  Result<NAME##Request> decode_message(ByteView bytes, std::int16_t version) {                \
    return decode_with<NAME##Request>(bytes, version, NAME##Request::api.flexible(version));  \
  }                                                                                           \
  template <>                                                                                 \
  Result<NAME##Response> decode_message(ByteView bytes, std::int16_t version) {               \
    return decode_with<NAME##Response>(bytes, version, NAME##Request::api.flexible(version)); \
  }                                                                                           \
  template void encode_message(Encoder&, const NAME##Request&);                               \
  template void encode_message(Encoder&, const NAME##Response&);
