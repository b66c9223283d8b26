// One server for each app keeps a token for it, gets another before it expires, and comes back when it crashes; for
// tokens.cpp.
//
//     Supervisor              supervisor, rest_for_one
//     |- Registry             which app has which app server
//     |- TableOwner           owns the table of tokens, and does nothing that could end it
//     |- TaskSupervisor       tokens are written to the storage in tasks
//     `- DynamicSupervisor    20 restarts in 60 s
//        |- "my-app"          app servers, started when somebody asks for the app
//        `- ...
//
// Without the registry everybody would be lost, so all begin anew. Without the table every app server would have to, so
// they do; what they had is in the storage. An app server that ends ends alone. Every name begins as the user says:
// several of these trees live in one program.
#ifndef TOKEN_SERVER_HPP
#define TOKEN_SERVER_HPP

#include <functional>
#include <regrow.hpp>
#include <string>

namespace tokens {

using namespace std::chrono_literals;
using regrow::atom;
using row = std::tuple<std::string, std::string, std::int64_t>; // app, token, when it expires, in milliseconds

// What app servers do, and where: read by all of them, and outlives them. `command` gives an app a token, `load` and
// `save` are the storage that outlives the program: all three may wait. A token is good for `ttl`, and replaced `early`
// before its end. `started` is told of each app server that starts.
struct settings {
    regrow::pid root;
    std::string prefix;
    std::function<std::string(const std::string& app)> command;
    std::function<std::optional<row>(const std::string& app)> load;
    std::function<void(const row&)> save;
    std::function<void()> started;
    std::uint32_t max_restarts = 20;
    std::chrono::milliseconds ttl = 1h;
    std::chrono::milliseconds early = 1min;

    regrow::term name(const char* part) const { return prefix + "." + part; }
    regrow::address address(const std::string& app) const
    {
        return regrow::via(name("Registry"), regrow::term(app)).in(root);
    }
    regrow::table rows() const { return regrow::table::whereis(root, prefix + ".tokens"); }

    // The row of an app, if there is one that has not expired.
    std::optional<row> read(const std::string& app) const
    {
        const auto found = rows().lookup<row>(regrow::term(app));
        return !found.empty() && is_good(found.front()) ? std::optional(found.front()) : std::nullopt;
    }
    bool is_good(const row& one) const { return std::get<2>(one) > regrow::now(root).count(); }
};

class table_owner {
public:
    explicit table_owner(const std::string& name)
    {
        regrow::table_options how;
        how.name = name;
        how.access = REGROW_PUBLIC;
        regrow::table::make(how);
    }
};

// Gets tokens for one app, one at a time. Whoever asks while it is at it waits, and then finds what it got.
class app_server {
public:
    app_server(const settings* all, std::string app) : all_(*all), app_(std::move(app))
    {
        all_.started();
        if (const auto found = all_.read(app_)) // one that is started again finds that of the one before
            start_timer(*found);
    }

    std::string handle_call(atom request)
    {
        if (request == "refresh") {
            // The old token is out of the table before the new one is asked for: who looks meanwhile asks this server.
            all_.rows().erase(regrow::term(app_));
            return acquire();
        }
        if (const auto found = all_.read(app_))
            return std::get<1>(*found);
        const auto stored = all_.load(app_);
        if (!stored || !all_.is_good(*stored))
            return acquire();
        write(*stored);
        return std::get<1>(*stored);
    }

    // The token is still good, and stays in the table until there is another.
    void handle_info(const regrow::timed_out& message)
    {
        if (message.timer == timer_)
            acquire();
    }

private:
    // A new token, into the table and to the storage. The latter in a task: a slow storage keeps nobody waiting, and
    // one that fails ends only the task.
    std::string acquire()
    {
        const std::string token = all_.command(app_);
        const row made(app_, token, (regrow::now(all_.root) + all_.ttl).count());
        write(made);
        const regrow::task_supervisor savers = regrow::whereis(regrow::at(all_.name("TaskSupervisor")));
        savers.start_child([save = all_.save, made] { save(made); });
        return token;
    }
    void write(const row& one)
    {
        all_.rows().insert(regrow::term(one));
        start_timer(one);
    }
    // Of the timers of before nobody takes notice any more.
    void start_timer(const row& one)
    {
        const auto left = std::chrono::milliseconds(std::get<2>(one)) - regrow::now(all_.root) - all_.early;
        timer_ = regrow::start_timer(regrow::self(), left, atom("soft_expiry"));
    }

    const settings& all_;
    std::string app_;
    regrow::ref timer_;
};

// Starts the tree under the runtime's root.
inline void start(const settings& all)
{
    using namespace regrow::tree;
    regrow::supervisor(all.root)
        .start_child(supervisor(all.name("Supervisor"), regrow::rest_for_one,
                                registry("Registry").named(all.name("Registry")),
                                server<table_owner>("TableOwner", all.prefix + ".tokens").named(all.name("TableOwner")),
                                task_supervisor("TaskSupervisor").named(all.name("TaskSupervisor")),
                                dynamic_supervisor("DynamicSupervisor")
                                    .named(all.name("DynamicSupervisor"))
                                    .unique_ids()
                                    .max_restarts(all.max_restarts)
                                    .within(60s)));
}

// The app server of an app; none if nobody has started it. Never one that has ended.
inline regrow::pid whereis(const settings& all, const std::string& app)
{
    return regrow::try_whereis(all.address(app)).value_or(regrow::pid());
}

// The same; one is started if there is none. Of all who find nobody one starts it. The ids of the children are unique,
// so the others are told that the app has one: it is being started, or started again after a crash. They wait until it
// can be found; whom they were told of may have ended meanwhile.
inline regrow::pid resolve(const settings& all, const std::string& app)
{
    for (;;) {
        if (const regrow::pid found = whereis(all, app))
            return found;
        const regrow::supervisor servers =
            regrow::whereis(regrow::at(all.name("DynamicSupervisor")).in(all.root).wait(5s));
        const auto started = servers.try_start_child(
            regrow::tree::server<app_server>(regrow::term(app), &all, app).registered(all.address(app)));
        if (started)
            return *started;
        if (started.code() == REGROW_ERR_EXISTS) {
            if (const auto found = regrow::try_whereis(all.address(app).wait(5s)))
                return *found;
        } else if (started.code() != REGROW_ERR_NO_PROCESS) {
            throw started.error();
        }
    }
}

// The token of an app. Nearly always the table has it, and no process is asked.
inline std::string get(const settings& all, const std::string& app)
{
    const auto found = all.read(app);
    return found ? std::get<1>(*found)
                 : regrow::call<std::string>(resolve(all, app), atom("get"), regrow::infinity);
}

// A new one in any case, after which nobody is given the old one.
inline std::string refresh(const settings& all, const std::string& app)
{
    return regrow::call<std::string>(resolve(all, app), atom("refresh"), regrow::infinity);
}

} // namespace tokens

#endif
