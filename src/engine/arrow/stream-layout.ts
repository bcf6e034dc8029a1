import type { ScriptTableBatch, ScriptTableField, ScriptTableLayout } from "#contract/script-table.ts";
import type { Message } from "./assemble.ts";
import type { ArrowField } from "./field.ts";

/**
 * Where everything lies in the stream that `messages` make: what a reader would find in its flatbuffers, for one
 * that has no parser of them.
 */
export function streamLayout(fields: readonly ArrowField[], messages: readonly Message[]): ScriptTableLayout {
  const layout: ScriptTableLayout = { fields: fields.map(layoutField), dictionaries: [], batches: [] };
  let at = 0;
  for (const message of messages) {
    const { header, metadataLength, bodyLength } = message;
    const body = at + metadataLength;
    at = body + bodyLength;
    if (!header) continue;
    const batch = batchAt(header, body);
    if (header.dictionaryId === undefined) layout.batches.push(batch);
    else layout.dictionaries.push({ id: header.dictionaryId, ...batch });
  }
  return layout;
}

function batchAt({ rowCount, nodes, buffers }: NonNullable<Message["header"]>, body: number): ScriptTableBatch {
  return {
    rows: rowCount,
    nodes: nodes.map(({ length, nullCount }) => [length, nullCount]),
    buffers: buffers.map(({ offset, length }) => [body + offset, length]),
  };
}

function layoutField({ name, type, children, metadata, dictionary }: ArrowField): ScriptTableField {
  const mark = metadata.find(([key]) => key === "sluice:type" || key === "ARROW:extension:name")?.[1];
  return {
    name,
    ...type,
    ...(mark === undefined ? {} : { mark }),
    ...(dictionary === undefined ? {} : { dictionary: dictionary.id, indexBits: dictionary.indexBits }),
    children: children.map(layoutField),
  };
}
