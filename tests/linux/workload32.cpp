// SPDX-License-Identifier: Apache-2.0
// A 32-bit program without any library, for a 64-bit kernel: system calls by int 0x80 and by the
// vDSO's entry (SYSCALL on AMD's processors), segments of its own in GDT and LDT, a signal. Its
// exit status says which step failed; 0: none.

using Word = unsigned int;

extern "C" {
[[noreturn]] void start32(Word* stack);
void on_signal32();
}

namespace {

constexpr Word nr_exit = 1, nr_fork = 2, nr_getpid = 20, nr_sigaction_rt = 174, nr_modify_ldt = 123,
               nr_waitpid = 7, nr_mmap2 = 192, nr_set_thread_area = 243, nr_kill = 37,
               nr_gettid = 224;

int call80(Word nr, Word a = 0, Word b = 0, Word c = 0, Word d = 0, Word e = 0) {
    int result = 0;
    asm volatile("int $0x80"
                 : "=a"(result)
                 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                 : "memory");
    return result;
}

// Through AT_SYSINFO, as a C library would.
int call_vdso(Word entry, Word nr) {
    int result = 0;
    asm volatile("call *%1" : "=a"(result) : "r"(entry), "a"(nr) : "memory", "ecx", "edx");
    return result;
}

[[noreturn]] void leave(Word step) {
    for (;;) {
        call80(nr_exit, step);
    }
}
void require(bool condition, Word step) {
    if (!condition) {
        leave(step);
    }
}

Word find_auxiliary(const Word* stack, Word type) {
    const Word* at = stack + 1 + stack[0] + 1;  // behind argc, argv
    while (*at != 0) {
        ++at;  // environment
    }
    for (++at; at[0] != 0; at += 2) {
        if (at[0] == type) {
            return at[1];
        }
    }
    return 0;
}

// struct user_desc of asm/ldt.h.
struct UserDesc {
    Word entry;
    Word base;
    Word limit;
    Word flags;
};
constexpr Word seg_32bit = 1, limit_in_pages = 1 << 4, useable = 1 << 6;

volatile Word marker_gdt = 0x11223344;
volatile Word marker_ldt = 0x55667788;
volatile Word signals_seen = 0;

Word read_fs(Word selector) {
    Word value = 0;
    asm volatile("mov %w1, %%fs\n mov %%fs:0, %0\n xor %1, %1\n mov %w1, %%fs"
                 : "=&r"(value), "+r"(selector));
    return value;
}

void segments() {
    UserDesc tls{~0U, reinterpret_cast<Word>(&marker_gdt), 0xfffff,
                 seg_32bit | limit_in_pages | useable};
    require(call80(nr_set_thread_area, reinterpret_cast<Word>(&tls)) == 0, 10);
    require(read_fs(tls.entry << 3 | 3) == marker_gdt, 11);
    UserDesc ldt{1, reinterpret_cast<Word>(&marker_ldt), 0xfffff,
                 seg_32bit | limit_in_pages | useable};
    constexpr Word write_ldt = 0x11;
    const int written = call80(nr_modify_ldt, write_ldt, reinterpret_cast<Word>(&ldt), sizeof(ldt));
    constexpr int enosys = -38;  // the kernel may be built without
    if (written != enosys) {
        require(written == 0, 12);
        require(read_fs(1 << 3 | 4 | 3) == marker_ldt, 13);
    }
}

void processes() {
    const int pid = call80(nr_fork);
    require(pid >= 0, 20);
    if (pid == 0) {
        leave(static_cast<Word>(call80(nr_getpid) > 0 ? 7 : 8));
    }
    Word status = 0;
    require(call80(nr_waitpid, static_cast<Word>(pid), reinterpret_cast<Word>(&status)) == pid, 21);
    require(status == 7 << 8, 22);
}

void signals() {
    // struct sigaction of the kernel: handler, flags, restorer, mask. Without a restorer the kernel
    // returns through the vDSO.
    const Word action[] = {reinterpret_cast<Word>(&on_signal32), 0, 0, 0, 0};
    constexpr Word sigusr1 = 10;
    require(call80(nr_sigaction_rt, sigusr1, reinterpret_cast<Word>(action), 0, 8) == 0, 30);
    require(call80(nr_kill, static_cast<Word>(call80(nr_getpid)), sigusr1) == 0, 31);
    require(signals_seen == 1, 32);
}

}  // namespace

void on_signal32() {
    signals_seen = signals_seen + 1;
}

void start32(Word* stack) {
    constexpr Word at_sysinfo = 32;
    const int pid = call80(nr_getpid);
    require(pid > 0, 1);
    const Word entry = find_auxiliary(stack, at_sysinfo);
    require(entry != 0, 2);
    for (int i = 0; i < 100; ++i) {
        require(call_vdso(entry, nr_getpid) == pid, 3);
        require(call80(nr_gettid) == pid, 4);
    }
    constexpr Word read_write = 3, private_anonymous = 0x22;
    const int page = call80(nr_mmap2, 0, 4096, read_write, private_anonymous, ~0U);
    require(page > 0 || page < -4096, 5);
    *reinterpret_cast<volatile Word*>(page) = 1;
    segments();
    processes();
    signals();
    leave(0);
}

asm(".global _start\n"
    "_start:\n"
    "    mov %esp, %eax\n"
    "    and $-16, %esp\n"
    "    sub $12, %esp\n"
    "    push %eax\n"
    "    call start32\n");
