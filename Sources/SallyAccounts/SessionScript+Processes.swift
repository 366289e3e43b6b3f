// SPDX-License-Identifier: Apache-2.0

extension SessionScript {
    /// What tells of a process whose it is and whether it is a job's, and what signals it.
    static let processes = #"""
        statuses() { printf '%s\0' /proc/[0-9]*/status | xargs -0 cat 2>/dev/null; }
        # slurmstepds: pids of that name whose program, where it can be seen, is slurmstepd: a link of that name to a
        # program of root's (sudo) is none. Root in a container may not see it (CAP_SYS_PTRACE).
        slurmstepds() {
            local file pid program
            while IFS= read -r file; do
                pid=${file#/proc/} pid=${pid%/status}
                program=$(readlink "/proc/$pid/exe" 2>/dev/null)
                program=${program% (deleted)}
                case ${program##*/} in '' | slurmstepd) printf '%s ' "$pid" ;; esac
            done < <(printf '%s\0' /proc/[0-9]*/status | xargs -0 grep -lsx $'Name:\tslurmstepd')
        }
        # people UID LISTED [all]: processes of the user, by any of their uids and his subordinate ones (subuid(5)), that
        # have no slurmstepd and no listed process above them, or all; `unread` when the processes could not be read. A
        # process whose first thread has ended says Z and may run on with others.
        people() {
            local ranges
            ranges=$(awk -F: -v uid="$1" -v name="$(id -un "$1" 2>/dev/null)" \
                '$1 == uid || $1 == name { printf "%s-%s ", $2, $2 + $3 - 1 }' /etc/subuid 2>/dev/null)
            statuses | awk -v uid="$1" -v ranges="$ranges" -v listed=" $2 " -v all="${3-}" -v steps=" $(slurmstepds)" '
                function his(id, i, n, range, ends) {
                    if (id == uid) return 1
                    n = split(ranges, range, " ")
                    for (i = 1; i <= n; i++) {
                        split(range[i], ends, "-")
                        if (id + 0 >= ends[1] + 0 && id + 0 <= ends[2] + 0) return 1
                    }
                    return 0
                }
                $1 == "State:" { state = $2 }
                $1 == "Pid:" { pid = $2; states[pid] = state }
                $1 == "PPid:" { parent[pid] = $2 }
                $1 == "Uid:" { real[pid] = $2; mine[pid] = his($2) || his($3) || his($4) || his($5) }
                $1 == "Threads:" { threads[pid] = $2 }
                END {
                    if (!(1 in real)) { print "unread"; exit }
                    for (pid in real) {
                        if (!mine[pid] || (states[pid] == "Z" && threads[pid] < 2)) continue
                        if (all != "") { print pid; continue }
                        at = pid
                        for (depth = 0; depth < 500 && at in real; depth++) {
                            if (index(steps, " " at " ") && real[at] == 0 || index(listed, " " at " ")) break
                            at = parent[at]
                        }
                        if (depth == 500 || !(at in real)) print pid
                    }
                }'
        }
        in_job_group() {
            grep -qE '^[0-9]+:[^:]*:(/system\.slice/[^/]*slurmstepd\.scope|/slurm(_[^/]*)?/uid_[0-9]+)/job_[0-9]+(/|$)' \
                "/proc/$1/cgroup" 2>/dev/null
        }
        # born PID: leaves in $birth when the process started, in $sid its session, in $run its state; empty when it is gone. The name
        # before them may hold anything, its parenthesis and line ends too.
        born() {
            local text=
            birth= sid= run=
            { IFS= read -r -d '' text <"/proc/$1/stat"; } 2>/dev/null
            text=${text##*) }
            set -- $text
            run=${1-} sid=${4-} birth=${20-}
        }
        # hit SIGNAL PID:BIRTH...: those that are still the process that was judged. A shell has no pidfd_open(2): who gets
        # the pid in the instant between is let go on, and a stopped process keeps its pid for the next signal.
        hit() {
            local kind=$1 one
            shift
            for one; do
                born "${one%:*}"
                [ "$birth" = "${one#*:}" ] || continue
                kill -"$kind" "${one%:*}" 2>/dev/null
                [ "$kind" = STOP ] || continue
                born "${one%:*}"
                [ -z "$birth" ] || [ "$birth" = "${one#*:}" ] || kill -CONT "${one%:*}" 2>/dev/null
            done
        }
        briefly() {
            local rest=$((sessions_until - SECONDS))
            [ "$rest" -gt 0 ] || return 124
            timeout "$((rest < 10 ? rest : 10))" "$@"
        }
        # unanswered STATUS: of what timeout(1) ran: its time was over, it was killed, or it could not be started just now. A
        # program that is not there (127) will never answer.
        unanswered() { [ "$1" -ge 124 ] && [ "$1" -ne 127 ]; }
        # all_of UID SIGNAL: to everything that the user may signal, at once; kill(2) leaves out who sends it. Fails where it
        # was not sent: processes of the user's may signal the sender first.
        all_of() {
            local heard
            hear signal_all "$1" "$2"
            [ "$heard" = sent ]
        }
        signal_all() {
            timeout -k 1 2 setpriv --reuid="$1" --regid="$1" --clear-groups --no-new-privs \
                bash -c "kill -$2 -1 2>/dev/null; echo sent" 2>/dev/null 9>&-
        }
        # Remembers what was stopped before: a job that starts meanwhile may be suspended (scontrol suspend).
        freeze() {
            local pid
            resting=()
            for pid in $(people "$1" "" all); do
                born "$pid"
                [ "$run" != T ] || resting[$pid]=$birth
            done
            frozen=$1
            all_of "$1" STOP && iced=1 || iced=
        }
        # At once where it can be, so that no shell in a job sees a stopped child.
        thaw() {
            local pid uid=$frozen
            [ -n "$uid" ] || return 0
            frozen=
            if [ "${#resting[@]}" -eq 0 ]; then
                all_of "$uid" CONT
            fi
            for pid in $(people "$uid" "" all); do
                born "$pid"
                [ "$run" != T ] || [ "${resting[$pid]-}" = "$birth" ] || kill -CONT "$pid" 2>/dev/null
            done
        }
        # slurm_view UID: what slurmd says now of processes in $begun: $listed and their sessions $sids; in $known the user's
        # jobs that it has here and slurmctld has running, or all that it has here where slurmctld does not say; in $blind that
        # it was not told in time.
        slurm_view() {
            local uid=$1 all pid job rest here=
            listed= sids= known= blind=
            # Status 1: there is no step, or one of several has ended meanwhile (scontrol, _list_pids_one_step).
            all=$(briefly scontrol listpids 2>/dev/null) || ! unanswered "$?" || { blind=1; return 0; }
            while read -r pid job rest; do
                case $pid in '' | *[!0-9]* | 0) continue ;; esac
                born "$pid"
                [ -n "$birth" ] && [ "$birth" = "${begun[$pid]-}" ] || continue
                listed+=" $pid" sids+=" $sid" here+=" $job"
            done <<<"$all"
            [ "$tracking" != proctrack/cgroup ] && [ -n "$here" ] || return 0
            all=$(briefly squeue -h -a -t R,S,CG -o '%A %U' 2>/dev/null) || { known=$here; return 0; }
            known=$(awk -v uid="$uid" -v here="$here " \
                '$2 == uid && index(here, " " $1 " ") { printf "%s ", $1 }' <<<"$all")
        }
        # claimed_job UID PID: prints the job of its environment; fails when that could not be read in time.
        # As the user: root in a container may not look into a process of theirs (CAP_SYS_PTRACE).
        claimed_job() {
            local heard
            hear read_claim "$1" "$2" || ! unanswered "$?" || return 1
            printf '%s\n' "${heard%%$'\n'*}"
        }
        read_claim() {
            timeout -k 1 1 setpriv --reuid="$1" --regid="$(stat -c %g "/proc/$2" 2>/dev/null || echo "$1")" \
                --clear-groups --no-new-privs sed -zn '/^SLURM_JOB_ID=/{s///;p;q}' "/proc/$2/environ" 2>/dev/null 9>&-
        }
        place() { grep -E '^[0-9]+:(name=systemd)?:' "/proc/$1/cgroup" 2>/dev/null; }
        # weigh PID: whether its claim is true, false or open. Where slurmsteps are in process 1's own group, groups say
        # nothing.
        weigh() {
            local step own init there verdict=open
            born "$1"
            case " $sids " in *" ${sid:-none} "*) echo true; return ;; esac
            own=$(place "$1") init=$(place 1)
            for step in $(slurmstepds); do
                there=$(place "$step")
                [ -n "$own" ] && [ -n "$there" ] && [ "$there" != "$init" ] || continue
                verdict=false
                [ "$own" != "$there" ] || { echo true; return; }
            done
            echo "$verdict"
        }

        """#
}
