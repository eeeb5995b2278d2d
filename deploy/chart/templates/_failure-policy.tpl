{{- /*
When a Job is not tried again: 2 is a usage error, 3 are findings, and both are the same a second time. First of all, a pod that was
evicted or drained does not count, whatever it ended with.
*/ -}}
{{- define "firn.failurePolicy" -}}
rules:
  - action: Ignore
    onPodConditions:
      - { type: DisruptionTarget, status: 'True' }
  - action: FailJob
    onExitCodes: { containerName: firn, operator: In, values: [2, 3] }
{{- end -}}
