// SPDX-License-Identifier: Apache-2.0
// gantry boot: build a manifest, or take what was built, and run it on QEMU with a software TPM.
// Ends with 0 only if every domain reached the end its manifest expects.
#include "gantry/build.hpp"
#include "gantry/verbs.hpp"
#include "images/qemu/boot_output.hpp"
#include "images/qemu/boot_report.hpp"
#include "images/qemu/launch_consoles.hpp"
#include "images/qemu/machine.hpp"
#include "images/qemu/outlets.hpp"
#include "images/qemu/store_evidence.hpp"

#include <filesystem>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <sys/ioctl.h>
#include <unistd.h>

namespace gantry {
namespace {

using std::filesystem::path;

constexpr unsigned default_timeout_s = 120;

struct BootOptions {
    std::string what;
    std::string out;
    std::string library;
    images::MachineOptions machine;
    unsigned cpus = 0;   // 0: what the manifest says, or 2
    std::string memory;  // empty: what the manifest says, or 1G
    images::BootOutput::Options output;
    images::Outlets::Options outlets;
    std::string tpm = "tis";
    std::string tpm_socket;
    unsigned timeout_s = default_timeout_s;
    uint16_t gdb_port = 0;
};

ExitCode fail(const Session& session, const images::Failure& failure) {
    session.err << "gantry boot: " << failure.message << '\n';
    return ExitCode::Usage;
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

// The command line wins over the manifest.
bool choose_machine(const Session& session, BootOptions& options, const images::BootSet& set) {
    images::MachineOptions& machine = options.machine;
    machine.cpus = options.cpus != 0 ? options.cpus : set.cpus.value_or(machine.cpus);
    machine.memory_mib = set.memory_mib.value_or(machine.memory_mib);
    if (!options.memory.empty()) {
        const auto bytes = launch::model::parse_size(options.memory);
        if (!bytes) {
            session.err << "--memory: " << launch::model::quote(options.memory)
                        << " cannot be understood: expected a size such as 2G\n";
            return false;
        }
        machine.memory_mib = *bytes >> 20;
    }
    return true;
}

// 0: the standard output is no terminal.
size_t terminal_columns() {
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

// Before the machine starts: whoever wants to talk has to know where.
void print(Session& session, const images::Outlets& outlets) {
    for (const auto& outlet : outlets.descriptions()) {
        const std::string& channel = outlet.console.channel;
        session.out << outlet.console.domain << (channel.empty() ? "" : ", channel ") << channel
                    << ": " << outlet.path.string() << " (" << outlet.link.string() << ')'
                    << std::endl;
    }
}

ExitCode report_on(Session& session, const images::MachineRun& run, images::Transcript& transcript,
                   const images::BootOutput& streams, const images::Outlets& outlets,
                   const images::BootSet& set) {
    images::BootReport report{run, transcript, streams, outlets};
    if (never_ran(report)) {
        return fail(session, {"QEMU: " + images::printable(run.qemu_messages)});
    }
    const auto stored =
        images::store_evidence(report, images::evidence_domain(set, transcript.record()));
    if (!stored.ok()) {
        return fail(session, stored.error());
    }
    print(session, report);
    return report.is_ok() ? ExitCode::Done : ExitCode::Rejected;
}

ExitCode boot(Session& session, BootOptions& options, const path& directory) {
    const auto set = images::read_boot_set(directory);
    if (!set.ok()) {
        return fail(session, set.error());
    }
    if (!choose_machine(session, options, set.value())) {
        return ExitCode::Usage;
    }
    images::BootOutput::Options shown = options.output;
    shown.lines = session.json ? nullptr : &session.out;
    shown.columns = terminal_columns();
    const path out = options.out.empty() ? directory : path{options.out};
    auto output = images::BootOutput::create(out, shown);
    if (!output.ok()) {
        return fail(session, output.error());
    }
    images::BootOutput streams = output.take();
    auto opened =
        images::Outlets::create(out, images::read_launch_consoles(set.value()), options.outlets);
    if (!opened.ok()) {
        return fail(session, opened.error());
    }
    images::Outlets outlets = opened.take();
    if (!session.json) {
        print(session, outlets);
    }
    images::Transcript transcript{streams, &outlets};
    const auto run = images::run_machine(options.machine, set.value(), transcript, &outlets);
    if (!run.ok()) {
        return fail(session, run.error());
    }
    streams.write_registers(run.value().registers);
    return report_on(session, run.value(), transcript, streams, outlets, set.value());
}

// out/NAME, with the folder's name for a manifest that is called launch.json.
path default_directory(const path& manifest) {
    const path name = manifest.stem() == "launch"
                          ? std::filesystem::absolute(manifest).parent_path().filename()
                          : manifest.stem();
    return path{"out"} / name;
}

ExitCode build_and_boot(Session& session, BootOptions& options) {
    if (std::filesystem::is_directory(options.what)) {
        return boot(session, options, options.what);
    }
    BuildOptions wanted;
    wanted.manifest.file = options.what;
    wanted.manifest.machine_memory = options.memory;
    wanted.out = options.out.empty() ? default_directory(options.what) : path{options.out};
    wanted.library = options.library;
    if (!session.json) {
        session.out << "building " << options.what << " into " << wanted.out.string() << std::endl;
    }
    const ExitCode built = build(session, wanted);
    return built == ExitCode::Done ? boot(session, options, wanted.out) : built;
}

ExitCode run(Session& session, BootOptions& options) {
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
    return build_and_boot(session, options);
}

void add_machine_options(CLI::App& verb, BootOptions& options) {
    images::MachineOptions& machine = options.machine;
    verb.add_option("--cpus", options.cpus, "CPUs that run domains [what the manifest says, or 2]")
        ->check(CLI::Range(1, 255));
    verb.add_option("--memory", options.memory,
                    "Memory of the machine, such as 2G [what the manifest says, or 1G]");
    verb.add_option("--tpm", options.tpm, "The machine's TPM")
        ->check(CLI::IsMember({"tis", "none"}))
        ->capture_default_str();
    verb.add_option("--pcr-banks", machine.pcr_banks, "Banks of the TPM, e.g. sha1,sha256")
        ->capture_default_str();
    verb.add_option("--tpm-socket", options.tpm_socket,
                    "Control socket of a TPM emulator that is running, instead of swtpm");
    verb.add_flag("--swtpm-pcrs", machine.read_swtpm_pcrs,
                  "After the run, read the PCRs from swtpm into evidence/swtpm-pcrs");
    verb.add_option("--qemu", machine.qemu, "Program that emulates the machine, a name or a path")
        ->capture_default_str();
    verb.add_option("--qemu-arg", machine.extra_arguments, "Further argument for QEMU, repeatable")
        ->expected(1)
        ->take_all();
    verb.add_option("--gdb", options.gdb_port, "Wait for gdb on this port of localhost");
}

}  // namespace

void add_boot(CLI::App& app, Session& session) {
    CLI::App* verb =
        app.add_subcommand("boot", "Build and run a launch on QEMU with a software TPM");
    const auto options = std::make_shared<BootOptions>();
    verb->add_option("LAUNCH", options->what, "A manifest, or the output folder of `gantry build`")
        ->required();
    verb->add_option("-o,--out", options->out,
                     "Folder for what is built, logs and evidence [out/NAME, or LAUNCH]");
    verb->add_option("--lib", options->library, "Directory of hv.elf32, domb.bin and the services");
    verb->add_option("--timeout", options->timeout_s,
                     "End the machine after this many seconds; 0: never")
        ->capture_default_str();
    verb->add_option("--lines", options->output.lines_per_stream,
                     "Show only so many lines of each console; the logs have all");
    verb->add_flag("--ptys", options->outlets.consoles,
                   "Offer each domain's console as a terminal, console/DOMAIN.pty");
    verb->add_flag("--firmware", options->output.firmware, "Show the firmware's lines, too");
    add_machine_options(*verb, *options);
    verb->callback([&session, options] {
        session.run = [&session, options] { return run(session, *options); };
    });
}

}  // namespace gantry
