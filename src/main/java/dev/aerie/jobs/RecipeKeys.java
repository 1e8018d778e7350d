package dev.aerie.jobs;

import static dev.aerie.jobs.Decides.DATA;
import static dev.aerie.jobs.Decides.DRAFT;
import static dev.aerie.jobs.Decides.MEASUREMENT;
import static dev.aerie.jobs.Decides.NOTHING;
import static dev.aerie.jobs.Decides.STATES;
import static dev.aerie.jobs.Decides.TRAINING;
import static dev.aerie.jobs.ValueType.bytes;
import static dev.aerie.jobs.ValueType.choice;
import static dev.aerie.jobs.ValueType.integer;
import static dev.aerie.jobs.ValueType.list;
import static dev.aerie.jobs.ValueType.mapping;
import static dev.aerie.jobs.ValueType.number;
import static dev.aerie.jobs.ValueType.oneOf;
import static dev.aerie.jobs.ValueType.path;
import static dev.aerie.jobs.ValueType.positive;
import static dev.aerie.jobs.ValueType.positiveShare;
import static dev.aerie.jobs.ValueType.section;
import static dev.aerie.jobs.ValueType.sections;
import static dev.aerie.jobs.ValueType.share;
import static dev.aerie.jobs.ValueType.text;
import static dev.aerie.jobs.ValueType.tokens;
import static dev.aerie.jobs.ValueType.truth;
import static dev.aerie.jobs.ValueType.whole;

import dev.aerie.clean.Keep;
import dev.aerie.draft.LossMode;
import dev.aerie.evaluate.PromptFormat;
import dev.aerie.host.ModelCache;
import dev.aerie.spark.DeviceChoice;
import dev.aerie.store.Codec;
import dev.aerie.store.Container;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.Residency;
import dev.aerie.text.ConversationFormat;
import dev.aerie.text.OverLength;
import dev.aerie.torch.DTypeChoice;
import dev.aerie.train.CorruptChunks;
import dev.aerie.train.Schedule;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Every key that a recipe may have: its type and range, its default, what it decides and what it means. docs/recipe.md lists the
 * same, which a test compares. Nothing else in the program knows a key's name or default.
 */
final class RecipeKeys {

    /** In the order of their declaration, which is that of docs/recipe.md. */
    private static final Map<String, RecipeKey<?>> BY_PATH = new LinkedHashMap<>();

    static final List<RecipeKey<?>> ALL;

    static final RecipeKey<Optional<String>> COLUMN_ID = RecipeKey.optional("id", text(), DATA,
            "Text or whole numbers that name the records and order them; a column id, prompt_id or conversation_id if unset, and "
                    + "where there is none, records are ordered by a hash of their content.");
    static final RecipeKey<Optional<String>> COLUMN_CONVERSATION = RecipeKey.optional("conversation", text(), DATA,
            "Turns as a list or as JSON in text, rendered text, or a whole record as a struct or as JSON in text; the column of "
                    + "the name that the format's records use if unset.");
    static final RecipeKey<Optional<String>> COLUMN_SOURCE = RecipeKey.optional("source", text(), DATA,
            "Text that train.subset can choose by; the table's name, or data.inputs[n] of a query, if unset.");
    static final List<RecipeKey<?>> COLUMNS = List.of(COLUMN_ID, COLUMN_CONVERSATION, COLUMN_SOURCE);

    static final RecipeKey<Optional<String>> INPUT_PATH = RecipeKey.optional("path", path(), DATA,
            "A file, a folder or a glob: a JSON array or JSON Lines, also compressed (.gz, .zst), or Parquet.");
    static final RecipeKey<Optional<String>> INPUT_TABLE = RecipeKey.optional("table", text(), DATA,
            "A table or view that the session's catalogs know, instead of a path.");
    static final RecipeKey<Optional<String>> INPUT_QUERY = RecipeKey.optional("query", text(), DATA,
            "A query in Spark SQL whose rows are the records, instead of a path.");
    static final RecipeKey<Optional<Recipe>> INPUT_COLUMNS = RecipeKey.optional("columns", section(COLUMNS), DATA,
            "Names columns of the table or query; a column that is not named is read as the field of its name.");
    static final RecipeKey<ConversationFormat> INPUT_FORMAT = RecipeKey.of("format", choice(ConversationFormat.class),
            ConversationFormat.AUTO, DATA, "How conversations are written; auto finds it from the keys of the records.");
    static final RecipeKey<Optional<Integer>> INPUT_LIMIT = RecipeKey.optional("limit", integer(1), DATA,
            "Largest number of records to read, from the start; all if unset.");
    static final List<RecipeKey<?>> INPUT =
            List.of(INPUT_PATH, INPUT_TABLE, INPUT_QUERY, INPUT_COLUMNS, INPUT_FORMAT, INPUT_LIMIT);

    static final RecipeKey<String> SUBSET_SOURCE = RecipeKey.required("source", text(), DRAFT,
            "A file, table or other source that the store was made from: its name, or more of it from the end.");
    static final RecipeKey<Optional<Integer>> SUBSET_LIMIT = RecipeKey.optional("limit", integer(1), DRAFT,
            "Trains on only so many of its records from the start, those refused counted; on all of them if unset.");
    static final List<RecipeKey<?>> SUBSET = List.of(SUBSET_SOURCE, SUBSET_LIMIT);

    static final RecipeKey<String> NAME = key("name", text(), "aerie", NOTHING, "Names the run in Spark's pages and in reports.");

    static final RecipeKey<String> TARGET_MODEL = required("target.model", path(), DATA,
            "The target: a folder in Hugging Face layout (config.json, safetensors, tokenizer), local and at the same path on "
                    + "every "
                    + "host, or a URI, of which every host keeps a copy.");
    static final RecipeKey<Optional<String>> TARGET_CACHE = optional("target.cache", path(), NOTHING,
            "The folder of these copies on each host; models in $AERIE_CACHE, else in ~/.cache/aerie, if unset.");
    static final RecipeKey<Optional<Long>> TARGET_CACHE_BYTES = optional("target.cache_bytes", bytes(), NOTHING,
            "Most bytes of all copies: unused ones are removed, the oldest first; what the disk holds if unset.");
    static final RecipeKey<ModelCache.Check> TARGET_CACHE_CHECK = key("target.cache_check", choice(ModelCache.Check.class),
            ModelCache.USUAL.check(), NOTHING,
            "What of a copy is compared before it is used; a damaged one is made again.");
    static final RecipeKey<DTypeChoice> TARGET_DTYPE = key("target.dtype", choice(DTypeChoice.class), DTypeChoice.AUTO, DATA,
            "The compute type; auto is bfloat16 on a GPU and float32 on a CPU.");
    static final RecipeKey<Optional<List<Integer>>> TARGET_CAPTURE_LAYERS =
            optional("target.capture_layers", list(integer(0)), DATA,
            "The decoder layers (0-based) whose outputs are stored, low to high; [1, n/2-1, n-4] if unset, which serving engines "
                    + "assume. A draft reads three of them.");
    static final RecipeKey<Residency.Mode> TARGET_RESIDENCY = key("target.residency", choice(Residency.Mode.class),
            Residency.Mode.AUTO, NOTHING,
            "resident keeps every layer on the device; streamed brings one at a time, the next being prepared, for targets of "
                    + "any "
                    + "size; auto is resident where the weights fit.");
    static final RecipeKey<Optional<Long>> TARGET_WEIGHT_MEMORY = optional("target.weight_memory", bytes(), NOTHING,
            "Weights up to which auto is resident; 70 % of the device's free memory if unset.");
    static final RecipeKey<Integer> TARGET_MICRO_BATCH_TOKENS = key("target.micro_batch_tokens", tokens(1), 4096, STATES,
            "Tokens that pass through a layer together; more need more memory.");
    static final RecipeKey<Long> TARGET_WAVE_MEMORY = key("target.wave_memory", bytes(), 4L << 30, NOTHING,
            "For the states of a wave, the micro-batches for which a streamed layer comes once.");

    static final RecipeKey<List<Recipe>> DATA_INPUTS =
            required("data.inputs", sections(INPUT), DATA, "The inputs, read in this order.");
    static final RecipeKey<Optional<String>> DATA_WHERE = optional("data.where", text(), DATA,
            "A condition in Spark SQL over id, source, turns, characters and text; conversations for which it is not true are "
                    + "quarantined.");
    static final RecipeKey<Optional<Integer>> DATA_CLEAN_MIN_CHARACTERS = optional("data.clean.min_characters", integer(1), DATA,
            "The fewest characters of a conversation, all turns together; others are quarantined.");
    static final RecipeKey<Optional<Integer>> DATA_CLEAN_MAX_CHARACTERS = optional("data.clean.max_characters", integer(1), DATA,
            "The most characters of a conversation; no limit if unset.");
    static final RecipeKey<Optional<Integer>> DATA_CLEAN_MIN_TURNS = optional("data.clean.min_turns", integer(1), DATA,
            "The fewest turns of a conversation, the system's included; rendered text is not counted.");
    static final RecipeKey<Optional<Integer>> DATA_CLEAN_MAX_TURNS = optional("data.clean.max_turns", integer(1), DATA,
            "The most turns of a conversation; no limit if unset.");
    static final RecipeKey<Optional<Double>> DATA_CLEAN_THRESHOLD = optional("data.clean.near_duplicates.threshold",
            positiveShare(), DATA, "The Jaccard similarity of five-word shingles from which conversations are near duplicates, of "
                    + "which one stays; they are not looked for if unset.");
    static final RecipeKey<Keep> DATA_CLEAN_KEEP = key("data.clean.near_duplicates.keep", choice(Keep.class), Keep.FIRST, DATA,
            "Which of them stays.");
    static final RecipeKey<Optional<String>> DATA_TEMPLATE = optional("data.template", path(), DATA,
            "A Jinja file with the chat template, on any file system; the tokenizer's own if unset.");
    static final RecipeKey<Optional<Map<String, Object>>> DATA_TEMPLATE_VARIABLES =
            optional("data.template_variables", mapping(), DATA,
            "Variables of the template, such as enable_thinking; chat_template_kwargs of a record take precedence.");
    static final RecipeKey<Optional<String>> DATA_DATE = optional("data.date", text(), DATA,
            "What a template that writes today's date writes, as YYYY-MM-DD; the day on which the store was begun if unset.");
    static final RecipeKey<Optional<String>> DATA_SYSTEM_PROMPT = optional("data.system_prompt", text(), DATA,
            "Put before conversations that have no system message; none if unset.");
    static final RecipeKey<Optional<String>> DATA_ASSISTANT_HEADER = optional("data.assistant_header", text(), DATA,
            "The text that opens an assistant turn; found by rendering a probe conversation if unset.");
    static final RecipeKey<Optional<String>> DATA_END_OF_TURN = optional("data.end_of_turn", text(), DATA,
            "The text that closes an assistant turn; found like the header if unset.");
    static final RecipeKey<Integer> DATA_MAX_LENGTH = key("data.max_length", tokens(8), 2048, DATA, "The longest conversation.");
    static final RecipeKey<OverLength> DATA_OVER_LENGTH =
            key("data.over_length", choice(OverLength.class), OverLength.TRUNCATE, DATA,
            "The action on a longer one: cut at max_length, or quarantined with its reason.");
    static final RecipeKey<Double> DATA_MIN_SUPERVISED_SHARE = key("data.min_supervised_share", share(), 0.01, NOTHING,
            "The run stops, showing a rendered sample, when a smaller share of all tokens is supervised: the template was then "
                    + "not understood.");
    static final RecipeKey<Integer> DATA_HELD_OUT_COUNT = key("data.held_out.count", integer(0), 32, DATA,
            "Conversations kept out of training, whose prompts the target continues itself, to measure acceptance.");
    static final RecipeKey<Integer> DATA_HELD_OUT_MAX_NEW_TOKENS = key("data.held_out.max_new_tokens", tokens(1), 128, STATES,
            "The longest such continuation.");

    static final RecipeKey<String> STORE_PATH = required("store.path", path(), NOTHING,
            "The hidden-state store: a folder on any file system Spark reads.");
    static final RecipeKey<Codec> STORE_CODEC = key("store.codec", oneOf(Codec.byName()), Codec.of("bf16"), DATA,
            "How states are written: bf16 as they are, fp8 and int8 in half of that or less; docs/store.md describes the bytes.");
    static final RecipeKey<Container> STORE_CONTAINER = key("store.container", choice(Container.class), Container.PARQUET, DATA,
            "The format of the files of shards: parquet, compressed, or arrow, as large as the codec makes it and mapped from a "
                    + "node's own disk.");
    static final RecipeKey<TeacherRows> STORE_TEACHER_ROWS =
            key("store.teacher_rows", choice(TeacherRows.class), TeacherRows.STRICT,
            DATA, "For which tokens the final-norm state is kept: those that strict training reads, or all, which specforge mode "
                    + "needs.");
    static final RecipeKey<Long> STORE_SHARD_TOKENS = key("store.shard_tokens", whole(1, "tokens"), 262_144L, DATA,
            "The size of one shard, the unit of work and of resuming.");
    static final RecipeKey<Long> STORE_SEED = key("store.seed", whole(0), 42L, DATA,
            "Orders conversations into shards and draws the held-out ones.");
    static final RecipeKey<Double> STORE_MAX_REFUSED_SHARE = key("store.max_refused_share", share(), 0.05, NOTHING,
            "The run stops when a larger share of the conversations is left out, such as for NaN in their states.");
    static final RecipeKey<Optional<Long>> STORE_MAX_BYTES = optional("store.max_bytes", bytes(), NOTHING,
            "Refuses to start when the plan needs more; no limit if unset. The budget of a rolling store.");
    static final RecipeKey<Boolean> STORE_ROLLING = key("store.rolling", truth(), false, NOTHING,
            "Keeps as many shards as store.max_bytes allows: they are made ahead of the training and evicted when it has used them.");
    static final RecipeKey<Integer> STORE_ROLLING_WAIT_MINUTES = key("store.rolling_wait_minutes", integer(1), 60, NOTHING,
            "How long a training waits for a shard of a rolling store, and prepare for a training.");

    static final RecipeKey<Optional<Integer>> DRAFT_HIDDEN_SIZE = optional("draft.hidden_size", integer(1), DRAFT,
            "The target's if unset; the draft reads its embeddings, so no other fits.");
    static final RecipeKey<Optional<Integer>> DRAFT_INTERMEDIATE_SIZE = optional("draft.intermediate_size", integer(1), DRAFT,
            "Width of the MLP; the target's if unset.");
    static final RecipeKey<Optional<Integer>> DRAFT_NUM_ATTENTION_HEADS = optional("draft.num_attention_heads", integer(1), DRAFT,
            "The target's if unset.");
    static final RecipeKey<Optional<Integer>> DRAFT_NUM_KEY_VALUE_HEADS = optional("draft.num_key_value_heads", integer(1), DRAFT,
            "The target's if unset.");
    static final RecipeKey<Optional<Integer>> DRAFT_HEAD_DIM =
            optional("draft.head_dim", integer(2), DRAFT, "The target's if unset.");
    static final RecipeKey<Integer> DRAFT_VOCAB_SIZE = key("draft.vocab_size", tokens(1), 32_000, DRAFT,
            "Number of tokens that the draft can propose: the most frequent supervised ones; the target's whole vocabulary "
                    + "where that is "
                    + "smaller.");

    static final RecipeKey<String> TRAIN_OUTPUT = required("train.output", path(), NOTHING,
            "Checkpoints, metrics and the effective recipe of the run.");
    static final RecipeKey<LossMode> TRAIN_MODE = key("train.mode", choice(LossMode.class), LossMode.STRICT, TRAINING,
            "strict is aligned with what serving drafts; specforge has the conventions of SpecForge, for parity.");
    static final RecipeKey<Optional<List<Integer>>> TRAIN_LAYERS = optional("train.layers", list(integer(0)), DRAFT,
            "The three captured layers whose outputs the draft reads, low to high; those of the store if unset and it holds "
                    + "three.");
    static final RecipeKey<Optional<List<Recipe>>> TRAIN_SUBSET = optional("train.subset", sections(SUBSET), DRAFT,
            "Trains on only this part of the store and counts the draft's vocabulary there; on all of it if unset.");
    static final RecipeKey<Integer> TRAIN_RANKS = key("train.ranks", integer(1), 1, NOTHING,
            "Executors that train together, one per GPU.");
    static final RecipeKey<Boolean> TRAIN_CAPTURE = key("train.capture", truth(), true, NOTHING,
            "Whether train makes the shards of a rolling store; false where prepare does, as an application of its own.");
    static final RecipeKey<Integer> TRAIN_EPOCHS = key("train.epochs", integer(1), 1, TRAINING, "Passes over the store.");
    static final RecipeKey<Optional<Integer>> TRAIN_MAX_STEPS = optional("train.max_steps", integer(1), NOTHING,
            "Ends training early; the schedule is that of the whole run.");
    static final RecipeKey<Optional<Long>> TRAIN_GLOBAL_BATCH_TOKENS =
            optional("train.global_batch_tokens", whole(1, "tokens"), TRAINING,
            "The size of one optimizer step, over all ranks.");
    static final RecipeKey<Optional<Integer>> TRAIN_BATCH_CONVERSATIONS = unless(TRAIN_GLOBAL_BATCH_TOKENS,
            "train.batch_conversations", integer(1), 1, TRAINING,
            "Conversations of one optimizer step, over all ranks; unset where global_batch_tokens says its size.");
    static final RecipeKey<Integer> TRAIN_MICRO_BATCH_TOKENS = key("train.micro_batch_tokens", tokens(1), 8192, NOTHING,
            "Tokens that the draft processes at a time; more need more memory.");
    // From here to the gradient norm: SpecForge's defaults.
    static final RecipeKey<Integer> TRAIN_TTT_LENGTH = key("train.ttt_length", integer(1, 32, ""), 7, TRAINING,
            "TTT steps: how far ahead the draft learns to go on its own states.");
    static final RecipeKey<Double> TRAIN_LEARNING_RATE = key("train.learning_rate", positive(), 1e-4, TRAINING,
            "The highest rate of the schedule.");
    static final RecipeKey<Double> TRAIN_WARMUP_RATIO = key("train.warmup_ratio", share(), 0.015, TRAINING,
            "Share of the steps with a linearly rising rate.");
    static final RecipeKey<Schedule> TRAIN_SCHEDULE = key("train.schedule", choice(Schedule.class), Schedule.COSINE, TRAINING,
            "The rate after the warm-up.");
    static final RecipeKey<Double> TRAIN_MAX_GRAD_NORM = key("train.max_grad_norm", positive(), 0.5, TRAINING,
            "Clips the norm of the whole gradient.");
    static final RecipeKey<Double> TRAIN_WEIGHT_DECAY =
            key("train.weight_decay", number(), 0.0, TRAINING, "Weight decay of AdamW.");
    static final RecipeKey<DTypeChoice> TRAIN_DTYPE = key("train.dtype", choice(DTypeChoice.class), DTypeChoice.AUTO, TRAINING,
            "The compute type; the weights and AdamW's moments are float32 always.");
    static final RecipeKey<Long> TRAIN_SEED = key("train.seed", whole(0), 0L, TRAINING,
            "Seed of the initial weights and of the order of conversations.");
    static final RecipeKey<CorruptChunks> TRAIN_CORRUPT_CHUNKS = key("train.corrupt_chunks", choice(CorruptChunks.class),
            CorruptChunks.STOP, NOTHING,
            "What happens at a conversation whose chunk in the store is corrupt: the training ends, or leaves it out and counts "
                    + "it.");
    static final RecipeKey<Integer> TRAIN_CHECKPOINT_EVERY_STEPS = key("train.checkpoint.every_steps", integer(1), 500, NOTHING,
            "Steps between checkpoints; the last step makes one too.");
    static final RecipeKey<Integer> TRAIN_CHECKPOINT_KEEP = key("train.checkpoint.keep", integer(1), 2, NOTHING,
            "Number of newest checkpoints that are kept.");
    static final RecipeKey<Integer> TRAIN_MAX_ATTEMPTS = key("train.max_attempts", integer(1), 4, NOTHING,
            "How often the gang starts in all, each time from the last checkpoint.");
    static final RecipeKey<Optional<Integer>> TRAIN_HELD_OUT_EVERY_STEPS =
            optional("train.held_out_every_steps", integer(0), NOTHING,
            "Steps between measurements of acceptance on the held-out part, the last step included; the last step alone if "
                    + "unset, and none at all with 0.");

    static final RecipeKey<Optional<String>> EVALUATE_DRAFT = optional("evaluate.draft", path(), MEASUREMENT,
            "The exported draft; export.output if unset.");
    static final RecipeKey<String> EVALUATE_PROMPTS_PATH = required("evaluate.prompts.path", path(), MEASUREMENT,
            "Prompts to answer, one JSON object per line.");
    static final RecipeKey<PromptFormat> EVALUATE_PROMPTS_FORMAT = key("evaluate.prompts.format", choice(PromptFormat.class),
            PromptFormat.AUTO, MEASUREMENT,
            "gsm8k reads question; jsonl reads prompt, or messages that end with the user's; auto takes what is there.");
    static final RecipeKey<Optional<Integer>> EVALUATE_PROMPTS_LIMIT = optional("evaluate.prompts.limit", integer(1), MEASUREMENT,
            "Largest number of prompts, from the start; all if unset.");
    static final RecipeKey<Integer> EVALUATE_MAX_NEW_TOKENS = key("evaluate.max_new_tokens", tokens(1), 128, MEASUREMENT,
            "The longest answer.");
    static final RecipeKey<Integer> EVALUATE_DRAFT_TOKENS = key("evaluate.draft_tokens", integer(1, 64, "tokens"), 5, MEASUREMENT,
            "Tokens drafted per pass of the target.");
    static final RecipeKey<Double> EVALUATE_TEMPERATURE = key("evaluate.temperature", number(), 0.0, MEASUREMENT,
            "0 answers greedily, token for token as the target alone; above it answers are drawn.");
    static final RecipeKey<Integer> EVALUATE_TOP_K = key("evaluate.top_k", integer(0), 0, MEASUREMENT,
            "Number of most likely tokens that are drawn from; 0 for all.");
    static final RecipeKey<Double> EVALUATE_TOP_P = key("evaluate.top_p", positiveShare(), 1.0, MEASUREMENT,
            "Draws from the most likely tokens that together reach this probability.");
    static final RecipeKey<Long> EVALUATE_SEED = key("evaluate.seed", whole(0), 0L, MEASUREMENT, "Of what is drawn.");
    static final RecipeKey<Optional<String>> EVALUATE_OUTPUT = optional("evaluate.output", path(), NOTHING,
            "A folder for the report; it is only printed if unset.");

    static final RecipeKey<String> EXPORT_OUTPUT = required("export.output", path(), NOTHING,
            "Where the draft goes in the form that SGLang and vLLM load: an empty folder, or one with an earlier export.");

    static final RecipeKey<DeviceChoice> RUNTIME_DEVICE =
            key("runtime.device", choice(DeviceChoice.class), DeviceChoice.AUTO, NOTHING,
            "auto is the GPU that Spark gives a task and the CPU where it gives none.");
    static final RecipeKey<Optional<Integer>> RUNTIME_THREADS = optional("runtime.threads", integer(1), NOTHING,
            "CPU threads of one operator; those of one task (spark.task.cpus, or all cores for one task a JVM) if unset.");

    static {
        ALL = List.copyOf(BY_PATH.values());
    }

    private RecipeKeys() {}

    private static <V> RecipeKey<V> key(String path, ValueType<V> type, V defaultValue, Decides decides, String meaning) {
        return declared(RecipeKey.of(path, type, defaultValue, decides, meaning));
    }

    private static <V> RecipeKey<V> required(String path, ValueType<V> type, Decides decides, String meaning) {
        return declared(RecipeKey.required(path, type, decides, meaning));
    }

    private static <V> RecipeKey<Optional<V>> optional(String path, ValueType<V> type, Decides decides, String meaning) {
        return declared(RecipeKey.optional(path, type, decides, meaning));
    }

    private static <V> RecipeKey<Optional<V>> unless(RecipeKey<?> rival, String path, ValueType<V> type, V defaultValue,
            Decides decides, String meaning) {
        return declared(RecipeKey.unless(rival, path, type, defaultValue, decides, meaning));
    }

    private static <T> RecipeKey<T> declared(RecipeKey<T> key) {
        BY_PATH.put(key.path(), key);
        return key;
    }

    static boolean isSection(String path) {
        return BY_PATH.values().stream().anyMatch(key -> key.path().startsWith(path + "."));
    }

    static RecipeKey<?> find(String path) {
        RecipeKey<?> key = BY_PATH.get(path);
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
