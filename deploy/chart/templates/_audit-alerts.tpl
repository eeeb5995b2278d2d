{{- /*
Whether scheduled audits run and end well, which only Kubernetes knows: their metrics are those of kube-state-metrics, and are therefore
not among Firn's own in files/alerts.yaml. A failed Job stays listed for a while, so it counts only until an audit has ended well.
*/ -}}
{{- define "firn.auditAlerts" -}}
{{- $cronjob := printf "namespace=%q, cronjob=%q" .Release.Namespace (printf "%s-audit" (include "firn.fullname" .)) -}}
{{- $jobs := printf "namespace=%q, job_name=~%q" .Release.Namespace (printf "%s-audit-.+" (include "firn.fullname" .)) }}
  - name: firn-audit-jobs
    rules:
      - alert: FirnAuditFailed
        expr: |-
          max by (namespace) (
            kube_job_status_start_time{ {{- $jobs -}} }
              and on (namespace, job_name) kube_job_failed{ {{- $jobs -}} , condition="true"} == 1
          )
          > on (namespace) max by (namespace) (
            {__name__=~"kube_cronjob_created|kube_cronjob_status_last_successful_time", {{ $cronjob -}} }
          )
        for: 1m
        labels:
          severity: warning
        annotations:
          summary: 'the last audit in {{ "{{ $labels.namespace }}" }} found something, or failed itself'
          description: >-
            It ended with 3 where it found something, which its log names with what brings it back; the runbook has a section
            for each finding.
          runbook_url: deploy/RUNBOOK.md#firnauditfailed

      - alert: FirnAuditLate
        expr: |-
          time() - max by (namespace) (kube_cronjob_next_schedule_time{ {{- $cronjob -}} }) > 1800
            or max by (namespace) (kube_cronjob_spec_suspend{ {{- $cronjob -}} }) == 1
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: 'the audit in {{ "{{ $labels.namespace }}" }} is suspended, or its time passed half an hour ago and it did not begin'
          description: >-
            Nobody compares what was staged with what was loaded and merged. Either the CronJob is suspended, or the audit
            before takes longer than the schedule leaves, or its pod cannot start.
          runbook_url: deploy/RUNBOOK.md#firnauditlate
{{- end -}}
