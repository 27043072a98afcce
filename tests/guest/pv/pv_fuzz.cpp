// SPDX-License-Identifier: Apache-2.0
// A hostile PV kernel with two vCPUs: for `seconds` it does, as `seed` has it, what should harm
// nobody but itself. `danger` (of 1000) is how often it dares what may well be its end. It prints
// how far it came; its own death is a legitimate outcome.
#include "tests/guest/pv/pv_fuzz.hpp"

#include "hv/abi/xen_sched.hpp"
#include "tests/guest/pv/rt/second.hpp"

namespace {

using namespace fuzz;
using namespace pv;

constexpr uint64_t ms = 1'000'000;
constexpr uint64_t operations_in_a_round = 32;

alignas(4096) constinit std::array<std::array<std::byte, argument_bytes>, PV_VCPUS> arguments{};
constinit std::array<Fuzzer, PV_VCPUS> fuzzers{Fuzzer{Random{0}}, Fuzzer{Random{0}}};

using Operation = void (*)(Fuzzer&);

Operation pick(Fuzzer& f) {
    switch (f.random.below(16)) {
        case 0:
        case 1:
        case 2:
            return one_table_change;
        case 3:
        case 4:
            return one_instruction;
        case 5:
            return one_user_program;
        case 6:
            return uses_fifo() ? one_event_word : one_call;
        case 7:
            return f.dares() ? one_overwrite : one_call;
        default:
            return one_call;
    }
}

void attempt_one(Fuzzer& f, Operation operation) {
    struct Job {
        Fuzzer* fuzzer;
        Operation operation;
    } job{&f, operation};
    f.is_stoppable = operation != go_back;
    const Seen seen = attempt(
        [](void* what) {
            const Job& it = *static_cast<Job*>(what);
            it.operation(*it.fuzzer);
        },
        &job);
    f.is_stoppable = false;
    renew_tick(f);
    ++f.operations;
    f.faults += seen.happened ? 1 : 0;
}

void one_round(Fuzzer& f) {
    for (uint64_t n = 0; n < operations_in_a_round; ++n) {
        f.arguments_used = 0;
        attempt_one(f, pick(f));
    }
    attempt_one(f, go_back);
    look_at_other(f);
}

void report() {
    hv::TextOf<160> line;
    line.put("operations ").dec(fuzzers[0].operations).put(" and ").dec(fuzzers[1].operations);
    line.put(" faults ").dec(fuzzers[0].faults).put(" and ").dec(fuzzers[1].faults).put("\n");
    print(line.view());
}

void start(Fuzzer& f, unsigned vcpu) {
    f.random = Random{option("seed", 1) * PV_VCPUS + vcpu};
    f.danger = option("danger", 0);
    f.vcpu = vcpu;
    f.arguments = arguments[vcpu].data();
    restore_entries(f);
    start_tick(f);
}

[[noreturn]] void accomplice() {
    start(fuzzers[1], 1);
    for (;;) {
        one_round(fuzzers[1]);
    }
}

void sleep_until(uint64_t ns) {
    const hv::abi::SchedPoll args{.ports = 0, .nr_ports = 0, .timeout = ns};
    while (now_ns() < ns) {
        hypercall(Hypercall::sched_op, hv::abi::SchedOp::SCHEDOP_poll, &args);
    }
}

}  // namespace

void pv::run() {
    hv::TextOf<120> line;
    line.put("seed ").dec(option("seed", 1)).put(" danger ").dec(option("danger", 0)).put("\n");
    print(line.view());
    start_clock();
    sleep_until(now_ns() + option("delay_ms", 0) * ms);
    start_values();
    start_processor();
    start_fifo();
    take_checkpoint();

    const uint64_t stop = now_ns() + option("seconds", 5) * 1000 * ms;
    start(fuzzers[0], 0);
    start_second([] { accomplice(); });
    for (uint64_t next_report = 0; now_ns() < stop;) {
        one_round(fuzzers[0]);
        if (now_ns() > next_report) {
            next_report = now_ns() + 250 * ms;
            report();
        }
    }
    report();
}
