// SPDX-License-Identifier: Apache-2.0

/// Functions that take submission from many users and give it back: some calls of sacctmgr(1) for each 200 of them. What
/// they keep, and where, is as `SlurmScript` keeps it for one.
enum MassSlurmScript {
    static let library = #"""
        # slurm_view_users: leaves $config, $cluster and $enforced; fails where Slurm does not answer.
        slurm_settings() {
            SECONDS=0
            config=$(soon scontrol show config)
            cluster=$(sed -n 's/^ClusterName *= *//p' <<<"$config")
            enforced=$(sed -n 's/^AccountingStorageEnforce *= *//p' <<<"$config")
            [ -n "$cluster" ]
        }
        # for_chunks FUNCTION: reads rows; calls it for each 200, with the rows in $rows and their names in $list.
        for_chunks() {
            local all rows list
            all=$(cat)
            while [ -n "$all" ]; do
                rows=$(head -n 200 <<<"$all")
                all=$(tail -n +201 <<<"$all")
                list=$(cut -f1 <<<"$rows" | paste -sd,)
                SECONDS=0
                "$1"
            done
            subject=
        }
        each_fails() { while IFS=$'\t' read -r subject _; do report "$1" failed "$2"; done <<<"$rows"; }
        # slurm_lock_users: name and uid of each.
        slurm_lock_users() {
            local rows config cluster enforced loose reach
            rows=$(cat)
            slurm_settings || { each_fails "submission limit" "slurmctld does not answer"; return; }
            loose=$(loose_qos) && reach=$(soon scontrol show partition -a -o) ||
                { each_fails "submission limit" "QOS and partitions cannot be read"; return; }
            reach=$(sed -n 's/.* QoS=\([^ ]*\).*/\1/p' <<<"$reach" | grep -xF -- "$loose" | grep .)
            for_chunks lock_chunk <<<"$rows"
            slurm_requeue_users <<<"$rows"
            if command -v scrontab >/dev/null && sed -n 's/^ScronParameters *= *//p' <<<"$config" | grep -qw enable; then
                while IFS=$'\t' read -r subject _; do
                    SECONDS=0
                    slurm_scrontab "$subject" </dev/null
                done <<<"$rows"
                subject=
            fi
        }
        lock_chunk() {
            local said name line barrier
            local -A had=() rest=() lists=()
            said=$(soon sacctmgr -nP show assoc where user="$list" cluster="$cluster" format=user,"$limits",qos 2>&1) ||
                { each_fails "submission limit" "slurmdbd does not answer: $said"; return; }
            while IFS='|' read -r name line; do
                [ -n "$name" ] || continue
                lists[$name]+=,${line##*|}
                had[$name]+=${line%|*}$'\n'
            done <<<"$said"
            keep_all || { each_fails "submission limit" "$vault cannot be written"; return; }
            if [ "${#had[@]}" -gt 0 ]; then
                said=$(soon sacctmgr -i modify user where name="$list" cluster="$cluster" set maxsubmitjobs=0 grpsubmitjobs=0 2>&1)
                rest_of
            fi
            while IFS=$'\t' read -r subject _; do
                if [ -z "${had[$subject]-}" ]; then
                    report "submission limit" unchanged "$subject has no association"
                    continue
                fi
                barrier=
                if [ -n "$reach" ] || [ -e "$vault/$subject.qos" ] || { [ -n "$loose" ] && tr ',' '\n' <<<"${lists[$subject]}" | grep -qxF -- "$loose"; }; then
                    lock_qos "$subject" "$cluster" "$enforced" </dev/null
                fi
                if [ -n "${rest[$subject]-}" ]; then
                    report "submission limit" failed "MaxSubmitJobs and GrpSubmitJobs are ${rest[$subject]}: $said"
                elif [ -n "$barrier" ]; then
                    report "submission limit" failed "set, but $subject can go on submitting: $barrier"
                elif ! grep -qwE 'limits|safe|all' <<<"$enforced"; then
                    report "submission limit" failed "set, but AccountingStorageEnforce of slurm.conf has no limits: $subject can go on submitting"
                else
                    report "submission limit" done "MaxSubmitJobs=0 and GrpSubmitJobs=0 on every association of $subject"
                fi
            done <<<"$rows"
        }
        # keep_all: as keep_limits, beside their place first and moved by one program.
        keep_all() {
            local name line
            rm -rf -- "$vault/.new" && mkdir -m 0700 -- "$vault/.new" || return 1
            for name in "${!had[@]}"; do
                if [ -e "$vault/$name.limits" ]; then
                    IFS= read -r line <"$vault/$name.limits"
                    case ${line//[!|]/} in '||') keep_limits "$vault/$name.limits" "${had[$name]%$'\n'}" || return 1 ;; esac
                    continue
                fi
                while IFS= read -r line; do
                    case $line in
                    *'|0|0') ;;
                    *) printf '%s' "${had[$name]}" >"$vault/.new/$name.limits" || return 1 ;;
                    esac
                done <<<"${had[$name]%$'\n'}"
            done
            find "$vault/.new" -type f -print0 | xargs -r -0 mv -f -t "$vault" -- && rmdir -- "$vault/.new"
        }
        # rest_of: leaves in $rest what is not 0 of whom.
        rest_of() {
            local now name line
            now=$(soon sacctmgr -nP show assoc where user="$list" cluster="$cluster" format=user,maxsubmit,grpsubmit) || now=failed
            [ "$now" != failed ] || { for name in "${!had[@]}"; do rest[$name]="not known"; done; return; }
            while IFS='|' read -r name line; do [ "$line" = '0|0' ] || [ -z "$name" ] || rest[$name]=$line; done <<<"$now"
        }
        # As slurm_requeue.
        slurm_requeue_users() {
            local rows all at list job uid
            local -a jobs=()
            local -A owner=() count=() lost=()
            rows=$(cat)
            SECONDS=0
            if ! all=$(soon squeue -h -a -t PENDING,RUNNING,SUSPENDED,CONFIGURING,REQUEUED,REQUEUE_HOLD -o '%A %U'); then
                each_fails requeue "slurmctld does not answer"
                subject=
                return
            fi
            while read -r job uid; do jobs+=("$job") owner[$job]=$uid; done < <(
                awk -F'[ \t]' 'FILENAME == ARGV[1] { uid[$2]; next } $2 in uid { print $1, $2 }' \
                    <(printf '%s\n' "$rows") <(printf '%s\n' "$all") | sort -un)
            for ((at = 0; at < ${#jobs[@]}; at += 300)); do
                list=$(IFS=,; printf '%s' "${jobs[*]:at:300}")
                soon scontrol update JobId="$list" Requeue=0 >/dev/null 2>&1 && continue
                for job in "${jobs[@]:at:300}"; do
                    soon scontrol update JobId="$job" Requeue=0 >/dev/null 2>&1 && continue
                    [ "$SECONDS" -lt 50 ] && ! soon squeue -h -a -j "$job" 2>/dev/null | grep -q . || lost[${owner[$job]}]+=" $job"
                done
            done
            for job in "${jobs[@]}"; do count[${owner[$job]}]=$((${count[${owner[$job]}]-0} + 1)); done
            while IFS=$'\t' read -r subject uid; do
                if [ -n "${lost[$uid]-}" ]; then
                    report requeue failed "jobs of $subject could not be kept from requeueing:${lost[$uid]}"
                elif [ -n "${count[$uid]-}" ]; then
                    report requeue done "${count[$uid]} jobs of $subject are not requeued"
                fi
            done <<<"$rows"
            subject=
        }

        # slurm_unlock_users: name and uid of each.
        slurm_unlock_users() {
            local rows config cluster enforced
            rows=$(cat)
            slurm_settings || { each_fails "submission limit" "slurmctld does not answer"; return; }
            for_chunks unlock_chunk <<<"$rows"
            while IFS=$'\t' read -r subject _; do
                [ ! -e "$vault/$subject.scrontab" ] || slurm_unscrontab "$subject" </dev/null
            done <<<"$rows"
            subject=
        }
        unlock_chunk() {
            local now name line key account partition limit group said= whose
            local -A is=() users=() zero=()
            while IFS=$'\t' read -r name _; do
                [ -e "$vault/$name.limits" ] || continue
                [ ! -e "$vault/$name.qos" ] || unlock_qos "$name" "$cluster" </dev/null
                while IFS= read -r line; do
                    # A lock of before has kept three columns and left GrpSubmitJobs alone.
                    case ${line//[!|]/} in '||') line+='|none' ;; esac
                    users[$line]+=${users[$line]:+,}$name
                done <"$vault/$name.limits"
            done <<<"$rows"
            for key in "${!users[@]}"; do
                IFS='|' read -r account partition limit group <<<"$key"
                said+=$(soon sacctmgr -i modify user where name="${users[$key]}" cluster="$cluster" account="$account" \
                    ${partition:+partition="$partition"} set maxsubmitjobs="${limit:--1}" \
                    $([ "$group" = none ] || printf 'grpsubmitjobs=%s' "${group:--1}") 2>&1 >/dev/null)
            done
            now=$(soon sacctmgr -nP show assoc where user="$list" cluster="$cluster" format=user,"$limits",qos) ||
                { each_fails "submission limit" "slurmdbd does not answer"; return; }
            while IFS='|' read -r name line; do
                [ -n "$name" ] || continue
                case ${line##*|} in "$lock_qos") zero[$name]=1 ;; esac
                line=${line%|*}
                is[$name/$line]=1 is[$name/${line%|*}]=1
                case $line in *'|0|0') zero[$name]=1 ;; esac
            done <<<"$now"
            while IFS=$'\t' read -r subject _; do
                if [ ! -e "$vault/$subject.limits" ]; then
                    if [ -n "${zero[$subject]-}" ]; then
                        report "submission limit" skipped "$subject may not submit, and nothing is kept of what held before: set MaxSubmitJobs, GrpSubmitJobs and QOS with sacctmgr"
                    else
                        report "submission limit" unchanged "was not lowered"
                    fi
                    continue
                fi
                whose=yes
                while IFS= read -r line; do [ -n "${is[$subject/$line]-}" ] || whose=no; done <"$vault/$subject.limits"
                if [ -e "$vault/$subject.qos" ]; then
                    report "submission limit" failed "the QOS of $subject cannot be given back"
                elif [ "$whose" = yes ]; then
                    rm -f -- "$vault/$subject.limits"
                    report "submission limit" done "as before"
                else
                    report "submission limit" failed "${said:-the limits are not as before}"
                fi
            done <<<"$rows"
        }

        """#
}
