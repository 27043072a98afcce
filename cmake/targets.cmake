# The three kinds of code, as INTERFACE targets:
#   warnings      what every target of ours is compiled with
#   host          tools, libraries and tests of the build machine (optional sanitizers)
#   freestanding  hv, domB, services, test guests: no standard library, no host headers but std's

add_library(warnings INTERFACE)
target_compile_options(warnings INTERFACE
    -Wall -Wextra -Wno-missing-field-initializers -Wconversion -Wshadow -Wcast-align -Wswitch-enum -Werror
    $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast -Wnon-virtual-dtor>)
target_include_directories(warnings INTERFACE ${PROJECT_SOURCE_DIR})

add_library(host INTERFACE)
target_link_libraries(host INTERFACE warnings)
# False alarms of g++ 12 at -O3, about std::string +, std::optional and
# std::vector (GCC bugs 105651, 80635, 107852).
target_compile_options(host INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-maybe-uninitialized;-Wno-stringop-overflow>)
if(GANTRY_SANITIZE)
    target_compile_options(host INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all)
    target_link_options(host INTERFACE -fsanitize=address,undefined)
endif()

if(GANTRY_FUZZ)
    target_compile_options(host INTERFACE -fsanitize=fuzzer-no-link)
endif()

add_library(freestanding INTERFACE)
target_link_libraries(freestanding INTERFACE warnings)
target_compile_options(freestanding INTERFACE
    -O2 -g
    -ffreestanding                       # no hosted library behind the compiler's back
    -fno-pic -fno-pie                    # linked at a fixed address
    -mno-red-zone                        # interrupts use the current stack
    # FPU and vector registers belong to the guest. (clang's -mgeneral-regs-only refuses std headers.)
    $<IF:$<CXX_COMPILER_ID:Clang>,-mno-mmx$<SEMICOLON>-mno-sse,-mgeneral-regs-only>
    -fno-asynchronous-unwind-tables      # nothing unwinds
    -fno-stack-protector                 # no canary at %fs:0x28
    -fcf-protection=none                 # no CET in the emulated machine
    -fno-strict-aliasing                 # raw memory changes its type here
    -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=  # __FILE__: the same bytes wherever it is built
    $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-use-cxa-atexit>)
target_compile_definitions(freestanding INTERFACE _GLIBCXX_ASSERTIONS)
target_link_options(freestanding INTERFACE
    -nostdlib -static $<$<CXX_COMPILER_ID:GNU>:-no-pie>  # clang: -static is enough
    -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,max-page-size=0x1000)

# gantry_compile_together(TARGETS...): their sources are compiled up to ten at a time. So the headers
# that cost most (CLI11, JSON, gtest) are read, and what they instantiate is compiled, once for ten
# sources: a verb of the tool takes 15 s alone, and all of them 20 s. In return names in anonymous
# namespaces differ within a target.
option(GANTRY_COMPILE_TOGETHER "Compile sources of one target together" ON)
function(gantry_compile_together)
    set_target_properties(${ARGN} PROPERTIES
        UNITY_BUILD ${GANTRY_COMPILE_TOGETHER} UNITY_BUILD_BATCH_SIZE 10)
endfunction()

# gantry_library(name SOURCES...): the same sources twice, as NAME for the host and NAME_fs
# freestanding.
function(gantry_library name)
    add_library(${name} STATIC ${ARGN})
    target_link_libraries(${name} PUBLIC host)
    add_library(${name}_fs OBJECT ${ARGN})
    target_link_libraries(${name}_fs PUBLIC freestanding)
    gantry_compile_together(${name} ${name}_fs)
endfunction()
