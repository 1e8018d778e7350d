package dev.aerie.jobs;

import static dev.aerie.jobs.ValueType.choice;
import static dev.aerie.jobs.ValueType.number;
import static dev.aerie.jobs.ValueType.path;
import static dev.aerie.jobs.ValueType.text;
import static dev.aerie.jobs.ValueType.whole;

import dev.aerie.gang.GangSettings;
import dev.aerie.train.TrainSettings;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Every key that a recipe may have. docs/recipe.md lists the same, which a test compares. */
final class RecipeKeys {

    private static final double ANY = Double.MAX_VALUE;

    static final List<RecipeKey> INPUT = List.of(
            RecipeKey.required("path", path(),
                    "A file, a folder or a glob: a JSON array or JSON Lines, also compressed (.gz, .zst)."),
            RecipeKey.of("format", choice("auto", "sharegpt", "ultrachat", "messages", "preformatted"), "auto",
                    "How conversations are written; auto finds it from the keys of the records."),
            RecipeKey.optional("limit", whole(1), "Reads only so many records from the start; all of them where unset."));

    static final List<RecipeKey> SUBSET = List.of(
            RecipeKey.required("source", text(), "A file that the store was made from: its name, or more of its path from the end."),
            RecipeKey.optional("limit", whole(1),
                    "Trains on only so many of its records from the start, those refused counted; on all of them where unset."));

    static final List<RecipeKey> ALL = List.of(
            RecipeKey.of("name", text(), "aerie", "Names the run in Spark's pages and in reports."),

            RecipeKey.required("target.model", path(),
                    "The target: a folder in Hugging Face layout (config.json, safetensors, tokenizer), local and at the "
                            + "same path on every host, or a URI, of which every host keeps a copy."),
            RecipeKey.optional("target.cache", path(),
                    "The folder of these copies on each host; models in $AERIE_CACHE, else in ~/.cache/aerie, where unset."),
            RecipeKey.optional("target.cache_bytes", whole(1),
                    "Most bytes of all copies: unused ones are removed, the oldest first; what the disk holds where unset."),
            RecipeKey.of("target.cache_check", choice("sizes", "checksums"), "sizes",
                    "What of a copy is compared before it is used; a damaged one is made again."),
            RecipeKey.of("target.dtype", choice("auto", "float32", "bfloat16"), "auto",
                    "What the target computes in; auto is bfloat16 on a GPU and float32 on a CPU."),
            RecipeKey.optional("target.capture_layers", new ValueType.Listing(whole(0)),
                    "The three decoder layers (0-based) whose outputs the draft reads, low to high; [1, n/2-1, n-4] where unset, "
                            + "which serving engines assume."),
            RecipeKey.of("target.residency", choice("auto", "resident", "streamed"), "auto",
                    "resident keeps every layer on the device; streamed brings one at a time, the next being prepared, for "
                            + "targets of any size; auto is resident where the weights fit."),
            RecipeKey.optional("target.weight_memory", whole(1),
                    "Bytes of weights up to which auto is resident; 70 % of the device's free memory where unset."),
            RecipeKey.of("target.micro_batch_tokens", whole(1), 4096L,
                    "Tokens that go through a layer together; more needs more memory."),
            RecipeKey.of("target.wave_memory", whole(1), 4L << 30,
                    "Bytes for the states of a wave, the micro-batches for which a streamed layer comes once."),

            RecipeKey.required("data.inputs", new ValueType.Listing(new ValueType.Section(INPUT)),
                    "What is read, in this order."),
            RecipeKey.optional("data.template", path(),
                    "A Jinja file with the chat template, on any file system; the tokenizer's own where unset."),
            RecipeKey.optional("data.template_variables", new ValueType.Mapping(),
                    "What the template is told beside the conversation, such as enable_thinking; chat_template_kwargs of a "
                            + "record win."),
            RecipeKey.optional("data.date", text(),
                    "What a template that writes today's date writes, as YYYY-MM-DD; the day on which the store was begun "
                            + "where unset."),
            RecipeKey.optional("data.system_prompt", text(),
                    "Put before conversations that have no system message; none where unset."),
            RecipeKey.optional("data.assistant_header", text(),
                    "The text that opens an assistant turn; found by rendering a probe conversation where unset."),
            RecipeKey.optional("data.end_of_turn", text(),
                    "The text that closes an assistant turn; found like the header where unset."),
            RecipeKey.of("data.max_length", whole(8), 2048L, "The longest conversation, in tokens."),
            RecipeKey.of("data.over_length", choice("truncate", "quarantine"), "truncate",
                    "What becomes of a longer one: cut at max_length, or set aside with its reason."),
            RecipeKey.of("data.min_supervised_share", number(0, 1), 0.01,
                    "The run stops, showing a rendered sample, when a smaller share of all tokens is supervised: the template "
                            + "was then not understood."),
            RecipeKey.of("data.held_out.count", whole(0), 32L,
                    "Conversations kept out of training, whose prompts the target continues itself, to measure acceptance."),
            RecipeKey.of("data.held_out.max_new_tokens", whole(1), 128L, "The longest such continuation."),

            RecipeKey.required("store.path", path(), "The hidden-state store: a folder on any file system Spark reads."),
            RecipeKey.of("store.codec", choice("bf16", "f32"), "bf16",
                    "How states are written; docs/store.md describes the bytes."),
            RecipeKey.of("store.teacher_rows", choice("strict", "all"), "strict",
                    "For which tokens the final-norm state is kept: those that strict training reads, or all, which "
                            + "specforge mode needs."),
            RecipeKey.of("store.shard_tokens", whole(1), 262_144L, "Tokens of one shard, the unit of work and of resuming."),
            RecipeKey.of("store.seed", whole(0), 42L, "Orders conversations into shards and draws the held-out ones."),
            RecipeKey.of("store.max_refused_share", number(0, 1), 0.05,
                    "The run stops when a larger share of the conversations is left out, such as for NaN in their states."),
            RecipeKey.optional("store.max_bytes", whole(1), "Refuses to start when the plan needs more; no limit where unset."),

            RecipeKey.optional("draft.hidden_size", whole(1),
                    "The target's where unset; the draft reads its embeddings, so no other fits."),
            RecipeKey.optional("draft.intermediate_size", whole(1), "Width of the MLP; the target's where unset."),
            RecipeKey.optional("draft.num_attention_heads", whole(1), "The target's where unset."),
            RecipeKey.optional("draft.num_key_value_heads", whole(1), "The target's where unset."),
            RecipeKey.optional("draft.head_dim", whole(2), "The target's where unset."),
            RecipeKey.of("draft.vocab_size", whole(1), 32_000L,
                    "How many tokens the draft can propose: the most frequent supervised ones; the target's whole "
                            + "vocabulary where that is smaller."),

            RecipeKey.required("train.output", path(), "Checkpoints, metrics and the effective recipe of the run."),
            RecipeKey.of("train.mode", choice("strict", "specforge"), "strict",
                    "strict is aligned with what serving drafts; specforge has the conventions of SpecForge, for parity."),
            RecipeKey.optional("train.subset", new ValueType.Listing(new ValueType.Section(SUBSET)),
                    "Trains on only this part of the store and counts the draft's vocabulary there; on all of it where unset."),
            RecipeKey.of("train.ranks", whole(1), 1L, "Executors that train together, one per GPU."),
            RecipeKey.of("train.epochs", whole(1), TrainSettings.EPOCHS, "Passes over the store."),
            RecipeKey.optional("train.max_steps", whole(1), "Ends training early; the schedule is that of the whole run."),
            RecipeKey.optional("train.batch_conversations", whole(1),
                    "Conversations of one optimizer step, over all ranks; " + TrainSettings.BATCH_CONVERSATIONS
                            + " where neither this nor global_batch_tokens is set."),
            RecipeKey.optional("train.global_batch_tokens", whole(1),
                    "Instead of it: tokens of one optimizer step, over all ranks."),
            RecipeKey.of("train.micro_batch_tokens", whole(1), TrainSettings.MICRO_BATCH_TOKENS,
                    "Tokens that go through the draft at a time; more needs more memory."),
            RecipeKey.of("train.ttt_length", whole(1, 32), TrainSettings.TTT_LENGTH,
                    "TTT steps: how far ahead the draft learns to go on its own states."),
            RecipeKey.of("train.learning_rate", number(0, ANY), TrainSettings.LEARNING_RATE, "The highest rate of the schedule."),
            RecipeKey.of("train.warmup_ratio", number(0, 1), TrainSettings.WARMUP_RATIO,
                    "Share of the steps with a linearly rising rate."),
            RecipeKey.of("train.schedule", choice("cosine", "constant"), "cosine", "The rate after the warm-up."),
            RecipeKey.of("train.max_grad_norm", number(0, ANY), TrainSettings.MAX_GRAD_NORM,
                    "Clips the norm of the whole gradient."),
            RecipeKey.of("train.weight_decay", number(0, ANY), 0.0, "Of AdamW."),
            RecipeKey.of("train.dtype", choice("auto", "float32", "bfloat16"), "auto",
                    "What the draft computes in; its weights and AdamW's moments are float32 always."),
            RecipeKey.of("train.seed", whole(0), TrainSettings.SEED, "Of the initial weights and of the order of conversations."),
            RecipeKey.of("train.checkpoint.every_steps", whole(1), TrainSettings.CHECKPOINT_EVERY_STEPS,
                    "Steps between checkpoints; the last step makes one too."),
            RecipeKey.of("train.checkpoint.keep", whole(1), TrainSettings.KEEP_CHECKPOINTS, "Newest checkpoints that stay."),
            RecipeKey.of("train.max_attempts", whole(1), GangSettings.MAX_ATTEMPTS,
                    "How often the gang starts in all, each time from the last checkpoint."),
            RecipeKey.of("train.held_out_every_steps", whole(0), TrainSettings.HELD_OUT_EVERY_STEPS,
                    "Steps between measurements of acceptance on the held-out part, the last step included; 0 for none."),

            RecipeKey.optional("evaluate.draft", path(),
                    "The exported draft; export.output where unset."),
            RecipeKey.optional("evaluate.prompts.path", path(), "Prompts to answer, one JSON object a line."),
            RecipeKey.of("evaluate.prompts.format", choice("auto", "gsm8k", "jsonl"), "auto",
                    "gsm8k reads question; jsonl reads prompt, or messages that end with the user's; auto takes what is there."),
            RecipeKey.optional("evaluate.prompts.limit", whole(1),
                    "Answers only so many from the start; all of them where unset."),
            RecipeKey.of("evaluate.max_new_tokens", whole(1), 128L, "The longest answer."),
            RecipeKey.of("evaluate.draft_tokens", whole(1, 64), 5L, "Tokens drafted for each pass of the target."),
            RecipeKey.of("evaluate.temperature", number(0, ANY), 0.0,
                    "0 answers greedily, token for token as the target alone; above it answers are drawn."),
            RecipeKey.of("evaluate.top_k", whole(0), 0L, "Draws among so many tokens; among all with 0."),
            RecipeKey.of("evaluate.top_p", number(0, 1), 1.0, "Draws among the likeliest tokens that together reach this share."),
            RecipeKey.of("evaluate.seed", whole(0), 0L, "Of what is drawn."),
            RecipeKey.optional("evaluate.output", path(), "A folder for the report; it is only printed where unset."),

            RecipeKey.optional("export.output", path(), "Where the draft goes in the form that SGLang and vLLM load."),

            RecipeKey.of("runtime.device", choice("auto", "cpu", "cuda"), "auto",
                    "auto is the GPU that Spark gives a task and the CPU where it gives none."),
            RecipeKey.optional("runtime.threads", whole(1),
                    "CPU threads of one operator; those of one task (spark.task.cpus, or all cores for one task a JVM) "
                            + "where unset."));

    private static final Map<String, RecipeKey> BY_PATH = new LinkedHashMap<>();

    static {
        ALL.forEach(key -> BY_PATH.put(key.path(), key));
    }

    private RecipeKeys() {}

    static boolean isSection(String path) {
        return ALL.stream().anyMatch(key -> key.path().startsWith(path + "."));
    }

    static RecipeKey find(String path) {
        RecipeKey key = BY_PATH.get(path);
        if (key == null) {
            throw unknown(path, BY_PATH.keySet().stream().toList());
        }
        return key;
    }

    static RecipeException unknown(String path, List<String> known) {
        String nearest = known.stream().min(Comparator.comparingInt(k -> distance(k, path))).orElseThrow();
        boolean near = distance(nearest, path) <= Math.max(2, path.length() / 3);
        return new RecipeException("Unknown recipe key " + path
                + (near ? " (did you mean " + nearest + "?)" : " (docs/recipe.md lists all of them)"));
    }

    /** Levenshtein's distance: characters to insert, delete or replace. */
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }
}
