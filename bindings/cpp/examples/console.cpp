// The lines of the exercise as they are typed at Elixir's console, and what they give here.
#include "drill.hpp"
#include <algorithm>

using namespace std::chrono_literals;
using regrow::atom;

namespace {

struct sample_worker {
    regrow::next handle_call(regrow::context& context, atom) { return context.reply_stop(atom("ok"), atom("normal")); }
};

// A term as Elixir shows it. Pids are numbered as they are first seen, so that two runs print the same.
std::string show(regrow::term_view term)
{
    static std::vector<regrow::pid> seen;
    std::string text;
    if (const auto pid = term.as_pid()) {
        auto at = std::find(seen.begin(), seen.end(), *pid);
        if (at == seen.end())
            at = seen.insert(at, *pid);
        return "#PID<" + std::to_string(at - seen.begin() + 1) + ">";
    }
    if (term.is_nil() || term.is_list()) {
        for (regrow::term_view item : term.items())
            text += (text.empty() ? "" : ", ") + show(item);
        return "[" + text + "]";
    }
    if (term.is_tuple()) {
        for (std::size_t at = 0; at < term.size(); at++)
            text += (text.empty() ? "" : ", ") + show(term[at]);
        return "{" + text + "}";
    }
    if (const auto name = term.as_atom()) {
        text = name->name();
        return text[0] == '$' ? ":\"" + text + "\"" : ":" + text;
    }
    if (const auto bytes = term.as_bytes())
        return "\"" + std::string(*bytes) + "\"";
    return term.print();
}

void say(const std::string& line, const std::string& given)
{
    std::printf("%s\n  %s\n", line.c_str(), given.c_str());
}

// A DOWN without its Ref and its pid.
void print_down()
{
    const auto down = regrow::receive<regrow::down>(0ms);
    std::printf("  {:DOWN, ref, :process, pid, %s}\n", show(down.reason).c_str());
}

// ---- six lines of a worker supervisor ----

regrow::pid start_worker(const regrow::supervisor& supervisor)
{
    // One more argument, [], for the worker's init: `[[]]`.
    const regrow::pid worker = supervisor.start_instance(regrow::list(regrow::list()));
    say("Supervisor.start_child(worker_sup, [[]])", show(regrow::tuple(atom("ok"), worker)));
    return worker;
}

void print_children(const regrow::supervisor& supervisor)
{
    std::vector<regrow::term> children;
    for (const regrow::child_info& child : supervisor.which_children())
        children.push_back(regrow::tuple(child.id, child.process,
                                         child.is_supervisor ? atom("supervisor") : atom("worker"),
                                         atom::named(child.kind)));
    say("Supervisor.which_children(worker_sup)", show(regrow::term(children)));
    const regrow_child_count count = supervisor.count_children();
    std::printf("Supervisor.count_children(worker_sup)\n  active: %ju, specs: %ju, supervisors: %ju, workers: %ju\n",
                std::uintmax_t(count.active), std::uintmax_t(count.specs), std::uintmax_t(count.supervisors),
                std::uintmax_t(count.workers));
}

void workers(const drill::program& here)
{
    using namespace regrow::tree;
    const regrow::supervisor worker_sup = regrow::start_link(
        supervisor("WorkerSupervisor", regrow::simple_one_for_one, server<sample_worker>("SampleWorker"))
            .max_restarts(5)
            .within(5s));
    std::printf("{:ok, worker_sup} = Pooly.WorkerSupervisor.start_link({SampleWorker, :start_link, []})\n");
    start_worker(worker_sup);
    print_children(worker_sup);
    const regrow::pid worker = start_worker(worker_sup);
    regrow::monitor(worker);
    say("SampleWorker.stop(worker_pid)", show(regrow::call(worker, atom("stop"))));
    here.settle();
    print_down();
    print_children(worker_sup); // the stopped one is permanent: another is there in its place
}

// ---- the lines of a table ----

// A set has no order that one may rely on, so its objects are shown sorted.
std::string sorted(std::vector<regrow::term> objects)
{
    std::sort(objects.begin(), objects.end());
    return show(regrow::term(objects));
}

regrow::table new_table(const char* options, const char* given, std::uint32_t access, const char* name = nullptr)
{
    regrow::table_options how;
    how.access = access;
    if (name)
        how.name = name;
    say(std::string(":ets.new(:mum_faves, [") + options + "])", given);
    return regrow::table::make(how);
}

void tables(const drill::program& here)
{
    new_table("", "#Reference", REGROW_PROTECTED);
    new_table(":set", "#Reference", REGROW_PROTECTED);
    new_table(":set, :private", "#Reference", REGROW_PRIVATE);
    const regrow::table faves =
        new_table(":set, :private, :named_table", ":mum_faves", REGROW_PRIVATE, "mum_faves");

    const std::pair<const char*, const char*> songs[] = {
        {"Bodyslam", "Rock"}, {"Oat Pramote", "Pop"}, {"GOT7", "Pop"}, {"Silly fool", "Rock"}, {"Potato", "Rock"}};
    for (const auto& [name, genre] : songs) {
        faves.insert(regrow::tuple(name, 2025, genre));
        say(":ets.insert(:mum_faves, " + show(regrow::tuple(name, 2025, genre)) + ")", "true");
    }
    say(":ets.tab2list(:mum_faves)", sorted(faves.to_vector()));
    faves.erase("GOT7");
    say(":ets.delete(:mum_faves, \"GOT7\")", "true");
    say(":ets.lookup(:mum_faves, \"Bodyslam\")", sorted(faves.lookup("Bodyslam")));
    const atom first = "$1", second = "$2";
    std::vector<regrow::term> patterns;
    patterns.push_back(regrow::tuple(first, 2025, second));
    patterns.push_back(regrow::tuple(second, 2025, first));
    patterns.push_back(regrow::tuple(first, 2025, atom("_")));
    for (const regrow::term& pattern : patterns)
        say(":ets.match(:mum_faves, " + show(pattern) + ")", sorted(faves.match(pattern)));

    auto stranger = regrow::async([root = here.runtime.root()] {
        return regrow::table::whereis(root, "mum_faves").try_lookup("Bodyslam").code();
    });
    say("the same lookup by another process, since the table is private", regrow_error_name(stranger.await()));
}

// ---- monitor and flush ----

void monitor(const drill::program& here)
{
    const regrow::pid pid = regrow::spawn(here.runtime, [](regrow::context& context) {
        regrow::sleep(2s);
        return context.stop(atom("boom"));
    });
    regrow::monitor(pid);
    std::printf("pid = spawn(fn -> :timer.sleep(2000); exit(:boom) end)\nref = Process.monitor(pid)\n");
    here.advance(1999ms);
    std::printf("flush() after 1999 ms\n");
    if (regrow::flush() != 0)
        std::printf("a message came too early\n");
    here.advance(1ms);
    std::printf("flush() after 2000 ms\n");
    print_down();
}

} // namespace

int main()
{
    const drill::program here;
    std::printf("-- a worker supervisor\n");
    workers(here);
    std::printf("-- a table\n");
    tables(here);
    std::printf("-- a monitor\n");
    monitor(here);
}
