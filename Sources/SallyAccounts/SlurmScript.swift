// SPDX-License-Identifier: Apache-2.0

/// Functions that run sacctmgr, scontrol and squeue on the controller.
enum SlurmScript {
    static let library = #"""
        slurm_cluster() {
            scontrol show config | sed -n 's/^ClusterName *= *//p' | grep . || fail association "slurmctld does not answer"
        }
        # soon COMMAND...: ended when the script has run for 50 s; whoever waits for it waits 60 s (AccountEngine).
        soon() {
            [ "$SECONDS" -lt 50 ] || return 124
            timeout $((50 - SECONDS)) "$@"
        }
        # What is lowered. QOSScript has what a QOS can do about it.
        limits=account,partition,maxsubmit,grpsubmit
        # Submissions end at once, here and in jobs; running jobs go on (deleting the association would cancel them).
        slurm_lock() {
            local name=$1 config cluster said enforced barrier file=$state/locked/$1.limits
            config=$(soon scontrol show config)
            cluster=$(sed -n 's/^ClusterName *= *//p' <<<"$config")
            [ -n "$cluster" ] || { report "submission limit" failed "slurmctld does not answer"; return; }
            said=$(soon sacctmgr -nP show assoc where user="$name" cluster="$cluster" format="$limits" 2>&1) ||
                { report "submission limit" failed "slurmdbd does not answer: $said"; return; }
            if [ -z "$said" ]; then
                report "submission limit" unchanged "$name has no association"
                return
            fi
            keep_limits "$file" "$said" || { report "submission limit" failed "$file cannot be written"; return; }
            soon sacctmgr -i modify user where name="$name" cluster="$cluster" \
                set maxsubmitjobs=0 grpsubmitjobs=0 >/dev/null 2>&1
            said=$(soon sacctmgr -nP show assoc where user="$name" cluster="$cluster" format=maxsubmit,grpsubmit | sort -u)
            enforced=$(sed -n 's/^AccountingStorageEnforce *= *//p' <<<"$config")
            lock_qos "$name" "$cluster" "$enforced"
            if [ "$said" != '0|0' ]; then
                report "submission limit" failed "MaxSubmitJobs and GrpSubmitJobs are $said"
            elif [ -n "$barrier" ]; then
                report "submission limit" failed "set, but $name can go on submitting: $barrier"
            elif ! grep -qwE 'limits|safe|all' <<<"$enforced"; then
                report "submission limit" failed "set, but AccountingStorageEnforce of slurm.conf has no limits: $name can go on submitting"
            else
                report "submission limit" done "MaxSubmitJobs=0 and GrpSubmitJobs=0 on every association of $name"
            fi
        }
        # The first lock's are what unlock gives back; what is closed already, by the lock of an account that was removed
        # since perhaps, is nothing to give back. A lock of before has kept three columns and left GrpSubmitJobs alone.
        keep_limits() {
            local file=$1 now=$2
            if [ ! -e "$file" ]; then
                grep -qv '|0|0$' <<<"$now" || return 0
                printf '%s\n' "$now" >"$file.new" && mv -fT "$file.new" "$file"
            elif [ "$(head -n 1 "$file" | tr -cd '|')" = '||' ]; then
                awk -F'|' 'NR == FNR { group[$1 FS $2] = $4; next } { print $0 FS group[$1 FS $2] }' \
                    <(printf '%s\n' "$now") "$file" >"$file.new" && mv -fT "$file.new" "$file"
            fi
        }
        # Some hundred jobs to a call, and one by one only where a call failed: an ended job among them is no failure.
        slurm_requeue() {
            local name=$1 uid=$2 all jobs job list count=0 failed=0 at
            # Not `squeue -u`, which fails for a uid that does not resolve any more.
            if ! all=$(soon squeue -h -a -t PENDING,RUNNING,SUSPENDED,CONFIGURING,REQUEUED,REQUEUE_HOLD -o '%A %U'); then
                report requeue failed "slurmctld does not answer"
                return
            fi
            mapfile -t jobs < <(awk -v uid="$uid" '$2 == uid { print $1 }' <<<"$all" | sort -un)
            for ((at = 0; at < ${#jobs[@]}; at += 300)); do
                list=$(IFS=,; printf '%s' "${jobs[*]:at:300}")
                if soon scontrol update JobId="$list" Requeue=0 >/dev/null 2>&1; then
                    count=$((count + $(tr ',' '\n' <<<"$list" | wc -l)))
                    continue
                fi
                for job in "${jobs[@]:at:300}"; do
                    [ "$SECONDS" -lt 50 ] || break 2
                    if soon scontrol update JobId="$job" Requeue=0 >/dev/null 2>&1; then
                        count=$((count + 1))
                    elif [ "$SECONDS" -ge 50 ] || soon squeue -h -a -j "$job" 2>/dev/null | grep -q .; then
                        failed=$((failed + 1))
                    fi
                done
            done
            if [ "$SECONDS" -ge 50 ]; then
                report requeue failed "no time left: $count of ${#jobs[@]} jobs of $name are not requeued; lock again"
            elif [ "$failed" -eq 0 ]; then
                report requeue done "$count jobs of $name are not requeued"
            else
                report requeue failed "$failed jobs of $name could not be kept from requeueing"
            fi
        }
        slurm_unlock() {
            local name=$1 cluster account partition limit group grouped=1 said file=$state/locked/$1.limits
            cluster=$(scontrol show config | sed -n 's/^ClusterName *= *//p')
            [ -n "$cluster" ] || { report "submission limit" failed "slurmctld does not answer"; return; }
            if [ ! -e "$file" ]; then
                if soon sacctmgr -nP show assoc where user="$name" cluster="$cluster" format="$limits" | grep -q '|0|0$' ||
                    soon sacctmgr -nP show assoc where user="$name" cluster="$cluster" format=qos | grep -qxF -- "$lock_qos"; then
                    report "submission limit" skipped "$name may not submit, and nothing is kept of what held before: set MaxSubmitJobs, GrpSubmitJobs and QOS with sacctmgr"
                else
                    report "submission limit" unchanged "was not lowered"
                fi
                return
            fi
            unlock_qos "$name" "$cluster" || { report "submission limit" failed "the QOS of $name cannot be given back"; return; }
            [ "$(head -n 1 "$file" | tr -cd '|')" != '||' ] || { grouped= limits=account,partition,maxsubmit; }
            while IFS='|' read -r account partition limit group; do
                said=$(sacctmgr -i modify user where name="$name" cluster="$cluster" account="$account" \
                    ${partition:+partition="$partition"} set maxsubmitjobs="${limit:--1}" ${grouped:+grpsubmitjobs="${group:--1}"} 2>&1)
            done <"$file"
            if all_in "$file" "$(sacctmgr -nP show assoc where user="$name" cluster="$cluster" format="$limits")"; then
                rm -f "$file"
                report "submission limit" done "as before"
            else
                report "submission limit" failed "$said"
            fi
        }

        """#
}
