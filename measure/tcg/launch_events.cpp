// SPDX-License-Identifier: Apache-2.0
#include "measure/tcg/launch_events.hpp"

#include "hv/base/reader.hpp"

namespace measure {
namespace {

constexpr size_t tag_header_bytes = 8;  // taggedEventID, taggedEventDataSize
constexpr size_t max_field_chars = 240;

// A JSON string of printable ASCII: every other byte becomes \u00xx. Cut after max_field_chars, so
// that a hint with the longest names fits its buffer.
void put_json_string(hv::Text& out, std::string_view value) {
    size_t used = 0;
    out.put('"');
    for (const char c : value) {
        const bool plain = c >= 0x20 && c <= 0x7e && c != '"' && c != '\\';
        const size_t size = plain ? 1 : 6;
        if (used + size > max_field_chars) {
            break;
        }
        used += size;
        if (plain) {
            out.put(c);
        } else {
            out.put("\\u").hex(static_cast<uint8_t>(c), 4);
        }
    }
    out.put('"');
}

void put_member(hv::Text& out, std::string_view key, std::string_view value) {
    out.put(",\"").put(key).put("\":");
    put_json_string(out, value);
}

// TCG_PCClientTaggedEvent, [tcg-pfp] 10.4.2.1, around `text`, which fits.
std::span<const std::byte> tagged(TagBuffer& out, TagId id, const hv::Text& text) {
    ASSERT(!text.truncated());
    const auto bytes = std::as_bytes(std::span{text.view().data(), text.view().size()});
    hv::Writer writer{out};
    const bool fits = writer.put_le(static_cast<uint32_t>(id)).ok() &&
                      writer.put_le(static_cast<uint32_t>(bytes.size())).ok() &&
                      writer.put(bytes).ok();
    ASSERT(fits);
    return writer.bytes();
}

}  // namespace

std::string_view to_name(BlobKind kind) {
    switch (kind) {
        case BlobKind::Lcm:
            return "lcm";
        case BlobKind::Builder:
            return "builder";
        case BlobKind::Kernel:
            return "kernel";
        case BlobKind::Initrd:
            return "initrd";
    }
    return "?";
}

std::span<const std::byte> blob_tag(TagBuffer& out, const BlobHint& hint) {
    hv::TextOf<std::tuple_size_v<TagBuffer> - tag_header_bytes> text;
    text.put("{\"blob\":");
    put_json_string(text, to_name(hint.kind));
    if (!hint.domain.empty()) {
        put_member(text, "domain", hint.domain);
    }
    put_member(text, "name", hint.name);
    if (!hint.source.empty()) {
        put_member(text, "source", hint.source);
    }
    text.put(",\"size\":").dec(hint.size_bytes).put('}');
    return tagged(out, TagId::Blob, text);
}

std::span<const std::byte> mirror_tag(TagBuffer& out, size_t record_index) {
    hv::TextOf<64> text;
    text.put("{\"mirror\":").dec(record_index).put('}');
    return tagged(out, TagId::Mirror, text);
}

std::string_view refusal_text(hv::Text& out, std::string_view domain, std::string_view reason) {
    const auto put_escaped = [&out](std::string_view value) {
        for (const char c : value) {
            if (c >= 0x20 && c <= 0x7e && c != '\\') {
                out.put(c);
            } else {
                out.put("\\x").hex(static_cast<uint8_t>(c), 2);
            }
        }
    };
    out.put("refused ");
    put_escaped(domain);
    out.put("\nreason ");
    put_escaped(reason);
    out.put('\n');
    return out.view();
}

}  // namespace measure
