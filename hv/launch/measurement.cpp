// SPDX-License-Identifier: Apache-2.0
#include "hv/launch/measurement.hpp"

#include "hv/base/assert.hpp"
#include "hv/dev/log.hpp"
#include "hv/launch/launch.hpp"
#include "hv/launch/tpm_mmio.hpp"
#include "launch-config/binding/canonical.hpp"
#include "measure/tcg/launch_events.hpp"
#include "measure/tcg/log_reader.hpp"
#include "measure/tpm/measured_log.hpp"

#include <algorithm>
#include <cstring>

namespace hv::hyperlaunch {

namespace {

constinit Measurement state;
// Texts are kilobytes: too large for a stack.
constinit std::array<char, launch::max_domain_text_bytes> text_buffer{};

bool has_mirror() {
    return state.locality == 2;
}

measure::EventPlan event_plan(const Plan& plan) {
    return {.pcrs = plan.graph.pcrs, .banks = state.banks, .mirror = has_mirror()};
}

std::string_view hypervisor_text(const Plan& plan) {
    Text text{text_buffer};
    launch::write_hypervisor_text(plan.graph, plan.effective_cmdline, launch::Root::None, text);
    ASSERT(!text.truncated());
    return text.view();
}

// Runs every event that this launch can have through a sink that only counts.
size_t log_bytes(const Plan& plan) {
    measure::LogSizer sizer{state.banks};
    measure::LaunchRecorder recorder{sizer, event_plan(plan)};
    const measure::DigestSet zero = measure::hash(state.banks, std::string_view{});
    bool ok = recorder.hypervisor_text(hypervisor_text(plan)).ok();
    ok &= recorder.blob(measure::lcm_hint(plan.lcm.size()), zero).ok();
    ok &= recorder.blob(measure::builder_hint(plan.graph.builder, state.builder_image.size()), zero)
              .ok();
    constexpr std::string_view longest_reason{
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
        "8901234567890123456789012345678901234567890123456789012345678901234567890123456789012345"};
    for (const launch::Domain& d : plan.graph.domains) {
        Text text{text_buffer};
        launch::ArtifactDigests digests;
        if (d.initrd) {
            digests.initrd.emplace();
        }
        launch::write_domain_text(d, digests, text);
        ok &= recorder.domain_text(text.view()).ok();
        for (unsigned blobs = 0; blobs < 2; ++blobs) {
            ok &= recorder
                      .blob(measure::domain_hint(measure::BlobKind::Kernel, d, d.kernel,
                                                 ~uint64_t{0}),
                            zero)
                      .ok();
        }
        ok &= recorder.refusal(d.name, longest_reason).ok();
    }
    ok &= recorder.separator(measure::Separator::Capped).ok();
    ASSERT(ok);
    return sizer.bytes();
}

void make_log(boot::Machine& m, const Plan& plan) {
    const uint64_t count = align_up(log_bytes(plan), page_size) >> page_shift;
    auto frames = m.arena.frames(count);
    if (!frames.ok()) {
        PANIC("no memory: event log");
    }
    mm::machine_frames.set(frames.value(), count, mm::FrameUse::EventLog);
    state.log = {mm::direct_map(frames.value()), count * page_size};
}

Result<void, measure::MeasureError> measure_all(HostTpm& tpm, const Plan& plan) {
    measure::LogWriter log{state.log};
    if (!log.start(state.banks).ok()) {
        return Err{measure::MeasureError{}};
    }
    measure::MeasuredLog sink{log, tpm};
    measure::LaunchRecorder recorder{sink, event_plan(plan)};
    TRY(recorder.hypervisor_text(hypervisor_text(plan)));
    TRY(recorder.blob(measure::lcm_hint(plan.lcm.size()), measure::hash(state.banks, plan.lcm)));
    const auto image = state.builder_image;
    TRY(recorder.blob(measure::builder_hint(plan.graph.builder, image.size()),
                      measure::hash(state.banks, image)));
    state.log_used = log.used();
    return Ok{};
}

// domB would enforce it for others; its own is hv's to enforce.
void check_builder_digest(const launch::Artifact& builder) {
    if (!builder.expected_sha256) {
        return;
    }
    measure::BankSet sha256;
    sha256.add(measure::Algorithm::Sha256);
    const auto digests = measure::hash(sha256, state.builder_image);
    const auto digest = digests.get(measure::Algorithm::Sha256);
    if (!std::equal(digest.begin(), digest.end(), builder.expected_sha256->begin())) {
        TextOf<300> text;
        text.put("builder: ").put(builder.name).put(" has sha256 ").hex(digest);
        dev::stop(text.put(", expected ").hex(*builder.expected_sha256).view());
    }
}

void copy_builder(boot::Machine& m, const Plan& plan) {
    const boot::PhysicalRange& module = m.info.modules[plan.graph.builder.module_index];
    auto copy = m.arena.bytes(module.bytes, page_size);
    if (!copy.ok()) {
        PANIC("no memory: copy of the builder");
    }
    std::memcpy(copy.value(), mm::direct_map(module.first), module.bytes);
    state.builder_image = {copy.value(), module.bytes};
    check_builder_digest(plan.graph.builder);
}

Result<void, measure::MeasureError> try_measure(boot::Machine& m, const Plan& plan) {
    HostTpm tpm{TpmMmio{}, SystemClock{}};
    if (const auto opened = tpm.open_and_reset(plan.graph.pcrs.mirror); !opened.ok()) {
        return Err{measure::MeasureError{opened.error()}};
    }
    state.banks = tpm.banks();
    state.locality = tpm.locality();
    make_log(m, plan);
    auto measured = measure_all(tpm, plan);
    tpm.relinquish();
    return measured;
}

void report(std::string_view what, const measure::MeasureError& error) {
    TextOf<200> text;
    text.put(what).put(": TPM: ");
    if (error.tpm) {
        measure::put(text, *error.tpm);
    } else {
        text.put("the event log is too small");
    }
    dev::log(text.view());
    dev::Record{"fault"}.with("text", text.view());
}

Result<void, measure::MeasureError> try_cap(const Plan& plan) {
    HostTpm tpm{TpmMmio{}, SystemClock{}};
    if (const auto opened = tpm.open_at(state.locality); !opened.ok()) {
        return Err{measure::MeasureError{opened.error()}};
    }
    // domB may have appended events that it never told of.
    const measure::LogExtent written = measure::log_extent(state.log);
    measure::LogWriter log{state.log, written.bytes};
    measure::MeasuredLog sink{log, tpm};
    measure::EventPlan events = event_plan(plan);
    events.next_record = written.records;
    measure::LaunchRecorder recorder{sink, events};
    auto capped = recorder.separator(measure::Separator::Error);
    state.log_used = log.used();
    tpm.relinquish();
    return capped;
}

}  // namespace

Measurement& measurement() {
    return state;
}

void start_measurement(boot::Machine& m, const Plan& plan) {
    copy_builder(m, plan);
    if (plan.graph.measurement == launch::Measurement::Off) {
        dev::log("measurement is off: nothing is measured");
        return;
    }
    const auto measured = try_measure(m, plan);
    if (measured.ok()) {
        state.is_active = true;
        dev::Record{"measured-hv"}.with("locality", state.locality);
        return;
    }
    report("cannot measure", measured.error());
    static_cast<void>(cap_with_error(plan));  // no domain gets the TPM either way
    const bool is_required = plan.graph.measurement == launch::Measurement::Required;
    if (is_required && unmeasured_domain(plan) == nullptr) {
        dev::stop("measurement is required: no domain is started");
    }
    // Capped or given up: the rest of the launch has neither TPM nor log.
    state = {.builder_image = state.builder_image};
    dev::log(is_required ? "measurement is required: only the recovery domain will start"
                         : "measurement is preferred: going on unmeasured");
}

bool cap_with_error(const Plan& plan) {
    if (state.log.empty()) {
        return true;  // no PCR has been extended
    }
    const auto capped = try_cap(plan);
    dev::Record{"capped"}.with("separator", "error").with("ok", capped.ok() ? "yes" : "no");
    if (!capped.ok()) {
        report("the PCRs are not capped", capped.error());
        state.is_active = false;
    }
    return capped.ok();
}

}  // namespace hv::hyperlaunch
