// SPDX-License-Identifier: Apache-2.0
// LaunchRecorder: the one definition of the events of a launch, in the order and form of
// measure/README.md. hv and domB give it a sink that writes the log and extends the TPM, the
// predictor one that only writes the log, so what is predicted is what is logged.
// It says what an event is; it decides nothing about when.
#pragma once

#include "hv/base/endian.hpp"
#include "hv/base/result.hpp"
#include "hv/base/text.hpp"
#include "launch-config/binding/launch_graph.hpp"
#include "measure/tcg/digest.hpp"
#include "measure/tcg/event_type.hpp"
#include "measure/tcg/log.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace measure {

enum class BlobKind : uint8_t { Lcm, Builder, Kernel, Initrd };

std::string_view to_name(BlobKind kind);

// What EV_EVENT_TAG says about a blob: a hint for readers, not covered by the digest.
struct BlobHint {
    BlobKind kind{};
    std::string_view domain{};  // empty for the LCM and the builder
    std::string_view name{};    // Artifact::name
    std::string_view source{};  // Artifact::source
    uint64_t size_bytes = 0;
};

// The hints of the blobs of a launch. `size_bytes` is what was hashed.
inline BlobHint lcm_hint(uint64_t size_bytes) {
    return {.kind = BlobKind::Lcm, .name = "launch.lcm", .size_bytes = size_bytes};
}
inline BlobHint builder_hint(const launch::Artifact& builder, uint64_t size_bytes) {
    return {.kind = BlobKind::Builder,
            .name = builder.name,
            .source = builder.source,
            .size_bytes = size_bytes};
}
inline BlobHint domain_hint(BlobKind kind, const launch::Domain& domain,
                            const launch::Artifact& artifact, uint64_t size_bytes) {
    return {.kind = kind,
            .domain = domain.name,
            .name = artifact.name,
            .source = artifact.source,
            .size_bytes = size_bytes};
}

// Event data is built here; large enough for a hint with the longest names.
using TagBuffer = std::array<std::byte, 1024>;
std::span<const std::byte> blob_tag(TagBuffer& out, const BlobHint& hint);
std::span<const std::byte> mirror_tag(TagBuffer& out, size_t record_index);
// Lines "refused DOMAIN" and "reason REASON", escaped as in canonical text.
std::string_view refusal_text(hv::Text& out, std::string_view domain, std::string_view reason);

// Where events go.
struct EventPlan {
    launch::PcrPlan pcrs{};
    BankSet banks{};         // of every event
    bool mirror = false;     // locality 2 works: repeat every digest in pcrs.mirror
    size_t next_record = 1;  // index in the log of the next record; 0 is the Spec ID event
};

template <class S>
concept EventSink = requires(S s, const Event& e) {
    typename S::Error;
    { s.record(e) } -> std::same_as<hv::Result<void, typename S::Error>>;
};

template <EventSink Sink>
class LaunchRecorder {
  public:
    using Result = hv::Result<void, typename Sink::Error>;

    LaunchRecorder(Sink& sink, const EventPlan& plan) : sink_{sink}, plan_{plan} {}

    // Canonical text of the hypervisor's effective configuration (launch-config/binding).
    Result hypervisor_text(std::string_view text) { return text_event(text); }
    // Canonical text of one domain.
    Result domain_text(std::string_view text) { return text_event(text); }

    // A blob that becomes part of the launch; `digests` are of its bytes.
    Result blob(const BlobHint& hint, const DigestSet& digests) {
        TagBuffer buffer;
        return mirrored(
            {plan_.pcrs.blobs, EventType::EV_EVENT_TAG, digests, blob_tag(buffer, hint)});
    }

    // A domain that must not run, and why.
    Result refusal(std::string_view domain, std::string_view reason) {
        hv::TextOf<512> text;
        return text_event(refusal_text(text, domain, reason));
    }

    // Caps every PCR of the plan: nothing can follow unnoticed.
    Result separator(Separator value) {
        const hv::Le<uint32_t> data{static_cast<uint32_t>(value)};
        const auto bytes = std::as_bytes(std::span{&data, 1});
        const DigestSet digests = hash(plan_.banks, bytes);
        TRY(one({plan_.pcrs.text, EventType::EV_SEPARATOR, digests, bytes}));
        TRY(one({plan_.pcrs.blobs, EventType::EV_SEPARATOR, digests, bytes}));
        if (plan_.mirror) {
            TRY(one({plan_.pcrs.mirror, EventType::EV_SEPARATOR, digests, bytes}));
        }
        return hv::Ok{};
    }

    [[nodiscard]] size_t next_record() const { return plan_.next_record; }

  private:
    Result text_event(std::string_view text) {
        const auto bytes = std::as_bytes(std::span{text.data(), text.size()});
        return mirrored({plan_.pcrs.text, EventType::EV_IPL, hash(plan_.banks, bytes), bytes});
    }
    Result mirrored(const Event& event) {
        const size_t index = plan_.next_record;
        TRY(one(event));
        if (plan_.mirror) {
            TagBuffer buffer;
            TRY(one({plan_.pcrs.mirror, EventType::EV_EVENT_TAG, event.digests,
                     mirror_tag(buffer, index)}));
        }
        return hv::Ok{};
    }
    Result one(const Event& event) {
        TRY(sink_.record(event));
        ++plan_.next_record;
        return hv::Ok{};
    }

    Sink& sink_;
    EventPlan plan_;
};

// A sink that only writes the log.
class LogSink {
  public:
    using Error = LogError;
    explicit LogSink(LogWriter& log) : log_{log} {}
    hv::Result<void, LogError> record(const Event& event) { return log_.append(event); }

  private:
    LogWriter& log_;
};

// A sink that counts bytes: sizes a log from the plan before it exists.
class LogSizer {
  public:
    using Error = LogError;
    explicit LogSizer(BankSet banks) : banks_{banks}, bytes_{log_header_bytes(banks)} {}
    hv::Result<void, LogError> record(const Event& event) {
        bytes_ += log_event_bytes(banks_, event.data.size());
        return hv::Ok{};
    }
    // Including the spare bytes at the end.
    [[nodiscard]] size_t bytes() const { return bytes_ + log_spare_bytes; }

  private:
    BankSet banks_;
    size_t bytes_;
};

}  // namespace measure
