// SPDX-License-Identifier: Apache-2.0
// gantry boot: run what `gantry build` made, on QEMU with a software TPM. Ends with 0 only if every
// domain reached the end its manifest expects.
#include "gantry/verbs.hpp"
#include "images/qemu/boot_output.hpp"
#include "images/qemu/boot_report.hpp"
#include "images/qemu/machine.hpp"

#include <filesystem>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

namespace gantry {
namespace {

using std::filesystem::path;

constexpr unsigned default_timeout_s = 120;

struct Options {
    std::string what;
    std::string out;
    images::MachineOptions machine;
    images::BootOutput::Options output;
    std::string tpm = "tis";
    std::string tpm_socket;
    unsigned timeout_s = default_timeout_s;
    uint16_t gdb_port = 0;
};

ExitCode fail(const Session& session, const images::Failure& failure) {
    session.err << "gantry boot: " << failure.message << '\n';
    return ExitCode::Usage;
}

// The domain that may speak about the launch: the first that carried evidence out.
void store_evidence(images::BootReport& report, Session& session) {
    std::string carrier;
    for (const auto& [domid, domain] : report.transcript.record().domains()) {
        const auto* evidence = report.transcript.evidence(domid);
        if (evidence == nullptr) {
            continue;
        }
        for (const std::string& fault : evidence->faults()) {
            report.evidence_faults.push_back(domain.name + ": " + fault);
        }
        if (evidence->blocks().empty()) {
            continue;
        }
        if (!carrier.empty()) {
            report.evidence_faults.push_back(domain.name + ": ignored: " + carrier +
                                             " has carried out evidence already");
            continue;
        }
        carrier = domain.name;
        for (const images::Evidence& block : evidence->blocks()) {
            const auto written = report.output.write_evidence(block.name, block.bytes);
            if (written.ok()) {
                report.evidence.push_back(block.name);
            } else {
                session.err << "gantry boot: " << written.error().message << '\n';
            }
        }
    }
}

void print(Session& session, const images::BootReport& report) {
    if (session.json) {
        session.out << images::report_to_json(report);
        return;
    }
    session.out << "\ntimeline, since the hypervisor started\n"
                << images::timeline_to_text(report) << '\n'
                << images::report_to_text(report);
}

// QEMU that ends before the hypervisor has said a word has something to say itself.
bool never_ran(const images::BootReport& report) {
    return report.run.stop == images::Stop::MachineEnded && report.run.qemu_status != 0 &&
           report.transcript.record().events().empty();
}

ExitCode boot(Session& session, const Options& options, const path& directory) {
    auto set = images::read_boot_set(directory);
    if (!set.ok()) {
        return fail(session, set.error());
    }
    images::BootOutput::Options shown = options.output;
    shown.lines = session.json ? nullptr : &session.out;
    auto output =
        images::BootOutput::create(options.out.empty() ? directory : path{options.out}, shown);
    if (!output.ok()) {
        return fail(session, output.error());
    }
    images::BootOutput streams = output.take();
    images::Transcript transcript{streams};
    auto run = images::run_machine(options.machine, set.value(), transcript);
    if (!run.ok()) {
        return fail(session, run.error());
    }
    images::BootReport report{run.value(), transcript, streams};
    if (never_ran(report)) {
        return fail(session, {"QEMU: " + images::printable(run.value().qemu_messages)});
    }
    store_evidence(report, session);
    if (const auto& pcrs = run.value().swtpm_pcrs) {
        if (const auto written = streams.write_evidence("swtpm-pcrs", *pcrs); !written.ok()) {
            return fail(session, written.error());
        }
    }
    print(session, report);
    return report.is_ok() ? ExitCode::Done : ExitCode::Rejected;
}

ExitCode run(Session& session, Options& options) {
    options.machine.tpm = options.tpm == "none" ? images::TpmKind::None : images::TpmKind::Tis;
    // QEMU runs in a directory of its own: what names a file here must do so there.
    if (options.machine.qemu.find('/') != std::string::npos) {
        options.machine.qemu = std::filesystem::absolute(options.machine.qemu).string();
    }
    if (!options.tpm_socket.empty()) {
        options.machine.tpm_socket = std::filesystem::absolute(options.tpm_socket);
    }
    if (options.gdb_port != 0) {
        options.machine.gdb_port = options.gdb_port;
    }
    if (options.timeout_s != 0) {
        options.machine.timeout = std::chrono::seconds{options.timeout_s};
    }
    return boot(session, options, options.what);
}

void add_machine_options(CLI::App& verb, Options& options) {
    images::MachineOptions& machine = options.machine;
    verb.add_option("--cpus", machine.cpus, "CPUs of the machine")
        ->check(CLI::Range(1, 255))
        ->capture_default_str();
    verb.add_option("--memory", machine.memory_mib, "Memory of the machine in MiB")
        ->check(CLI::Range(64, 1 << 20))
        ->capture_default_str();
    verb.add_option("--tpm", options.tpm, "The machine's TPM")
        ->check(CLI::IsMember({"tis", "none"}))
        ->capture_default_str();
    verb.add_option("--pcr-banks", machine.pcr_banks, "Banks of the TPM, e.g. sha1,sha256")
        ->capture_default_str();
    verb.add_option("--tpm-socket", options.tpm_socket,
                    "Control socket of a TPM emulator that is running, instead of swtpm");
    verb.add_flag("--swtpm-pcrs", machine.read_swtpm_pcrs,
                  "After the run, read the PCRs from swtpm into evidence/swtpm-pcrs");
    verb.add_option("--qemu", machine.qemu, "QEMU to use")->capture_default_str();
    verb.add_option("--qemu-arg", machine.extra_arguments, "Further argument for QEMU, repeatable")
        ->expected(1)
        ->take_all();
    verb.add_option("--gdb", options.gdb_port, "Wait for gdb on this port of localhost");
}

}  // namespace

void add_boot(CLI::App& app, Session& session) {
    CLI::App* verb = app.add_subcommand("boot", "Run a built launch on QEMU with a software TPM");
    const auto options = std::make_shared<Options>();
    verb->add_option("BUILT", options->what, "Output folder of `gantry build`")->required();
    verb->add_option("--out", options->out, "Folder for logs and evidence [BUILT]");
    verb->add_option("--timeout", options->timeout_s,
                     "End the machine after this many seconds; 0: never")
        ->capture_default_str();
    verb->add_option("--lines", options->output.lines_per_stream,
                     "Show only so many lines of each console; the logs have all");
    verb->add_flag("--firmware", options->output.firmware, "Show the firmware's lines, too");
    add_machine_options(*verb, *options);
    verb->callback([&session, options] {
        session.run = [&session, options] { return run(session, *options); };
    });
}

}  // namespace gantry
