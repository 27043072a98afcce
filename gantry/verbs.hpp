// SPDX-License-Identifier: Apache-2.0
// What main.cpp and the verbs agree on. A verb is one file, verb_NAME.cpp, with one function
// add_NAME that describes its subcommand to CLI11 and stores in the session what to run.
// To add a verb: write that file, declare its function below, list it in main.cpp and CMake.
#pragma once

#include <functional>
#include <iosfwd>

namespace CLI {
class App;
}

namespace gantry {

// The tool's exit status, the same for all verbs.
enum class ExitCode : int {
    Done = 0,
    Rejected = 1,  // the input is wrong: bad manifest, evidence differs
    Usage = 2,     // the command line or the environment is wrong: unknown option, no such file
    Bug = 3,
};

// One invocation of the tool: what all verbs share, and what the chosen verb is to do.
struct Session {
    std::ostream& out;                // results, for people or as JSON
    std::ostream& err;                // diagnostics
    bool json = false;                // --json
    std::function<ExitCode()> run{};  // set by the subcommand's callback
};

void add_check(CLI::App& app, Session& session);
void add_build(CLI::App& app, Session& session);
void add_show(CLI::App& app, Session& session);
void add_log(CLI::App& app, Session& session);
void add_verify(CLI::App& app, Session& session);
void add_boot(CLI::App& app, Session& session);

}  // namespace gantry
