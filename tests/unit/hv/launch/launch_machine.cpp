// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hv/launch/launch_machine.hpp"

#include "hv/dev/clock.hpp"
#include "hv/dev/log.hpp"
#include "hv/launch/tpm_mmio.hpp"

#include <algorithm>
#include <array>

#include <sys/wait.h>
#include <unistd.h>

namespace {

LaunchMachine* installed = nullptr;
uint64_t now = 0;

}  // namespace

LaunchMachine::LaunchMachine() {
    installed = this;
    constexpr uint64_t arena_frames = 128;
    const hv::Mfn first = machine.take_frames(arena_frames, hv::mm::FrameUse::Free);
    EXPECT_TRUE(boot.free_frames.add({first, arena_frames}).ok());
}
LaunchMachine::~LaunchMachine() {
    installed = nullptr;
}

measure::BankSet LaunchMachine::banks() {
    measure::BankSet banks;
    banks.add(measure::Algorithm::Sha256);
    return banks;
}

void LaunchMachine::add_module(std::span<const std::byte> contents) {
    const uint64_t frames = hv::align_up(contents.size(), hv::page_size) >> hv::page_shift;
    const hv::Mfn at = machine.take_frames(std::max<uint64_t>(frames, 1), hv::mm::FrameUse::Module);
    std::copy(contents.begin(), contents.end(), hv::mm::direct_map(at));
    EXPECT_TRUE(boot.info.modules.push({hv::to_paddr(at), contents.size()}).ok());
}

void LaunchMachine::make_plan(launch::Measurement measurement) {
    plan.graph.measurement = measurement;
    plan.graph.builder.module_index = 1;
    plan.graph.builder.name = "domb";
    add_module("the launch control module");
    add_module("the image of domB");
}

bool LaunchMachine::says(std::string_view text) const {
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
        return line.find(text) != std::string::npos;
    });
}

bool LaunchMachine::is_capped_with_error(uint32_t pcr, const measure::DigestSet& before) const {
    // EV_SEPARATOR of a failure is the 32-bit value 1, [tcg-pfp] 10.4.1.
    const std::array<char, 4> one{1, 0, 0, 0};
    return tpm.pcr(pcr) ==
           measure::extend(before, measure::hash(banks(), std::string_view{one.data(), 4}));
}

void alone(const std::function<void()>& body) {
    std::fflush(nullptr);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        try {
            body();
        } catch (const Stopped& stopped) {
            ADD_FAILURE() << "stopped: " << stopped.message;
        } catch (const PoweredOff&) {
            ADD_FAILURE() << "powered off";
        }
        std::fflush(nullptr);
        _exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "the child says why";
}

namespace hv::hyperlaunch {
uint8_t TpmMmio::read8(uint32_t offset) const {
    return installed->tis.read8(offset);
}
uint32_t TpmMmio::read32(uint32_t offset) const {
    return installed->tis.read32(offset);
}
void TpmMmio::write8(uint32_t offset, uint8_t value) const {
    installed->tis.write8(offset, value);
}
void TpmMmio::write32(uint32_t offset, uint32_t value) const {
    installed->tis.write32(offset, value);
}
uint64_t SystemClock::now_ns() const {
    return now += 1'000'000;
}
}  // namespace hv::hyperlaunch

namespace hv::dev {
void log(std::string_view line) {
    installed->lines.emplace_back(line);
}
void write_record_line(std::string_view line) {
    installed->lines.emplace_back(line);
}
Record::Record(std::string_view event) {
    text_.put("event=").put(event);
}
Record::~Record() {
    installed->lines.emplace_back(text_.view());
}
Record& Record::with(std::string_view key, uint64_t value) {
    text_.put(' ').put(key).put('=').dec(value);
    return *this;
}
Record& Record::with(std::string_view key, std::string_view value) {
    text_.put(' ').put(key).put('=').put(value);
    return *this;
}
void stop(std::string_view message) {
    throw Stopped{std::string{message}};
}
void power_off(MachineStatus status) {
    throw PoweredOff{status};
}
uint64_t system_time_ns() {
    return now += 1'000'000;
}
const TscScale& tsc_scale() {
    static constexpr TscScale scale{};
    return scale;
}
const WallClock& wall_clock_at_boot() {
    static constexpr WallClock clock{};
    return clock;
}
}  // namespace hv::dev
