package dev.aerie.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.draft.DraftConfig;
import dev.aerie.draft.FrozenTarget;
import dev.aerie.draft.LossMode;
import dev.aerie.errors.RefusalException;
import dev.aerie.files.Sha256;
import dev.aerie.host.HostModel;
import dev.aerie.store.CorruptChunkException;
import dev.aerie.store.Fingerprints;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.Part;
import dev.aerie.store.RollingStore;
import dev.aerie.store.RollingUse;
import dev.aerie.store.StateSelection;
import dev.aerie.store.StorePlan;
import dev.aerie.store.StoreSettings;
import dev.aerie.store.StoreShards;
import dev.aerie.store.TeacherRows;
import dev.aerie.target.TargetEnds;
import dev.aerie.target.spec.ConfigJson;
import dev.aerie.text.DraftVocabulary;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Locale;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;

/** Training inputs from a hidden-state store. */
public final class StoreInputs implements TrainingInputs {

    private final String store;
    private final int generation;
    private final List<Integer> layers;
    private final HostModel target;
    private final String draftJson;
    private final int targetVocabulary;
    private final int[] draftIds;
    private final ShardedPlan plan;
    /** Null if the store has all of its shards. */
    private final RollingTraining rolling;
    private final TreeMap<String, String> fingerprints;

    /**
     * Creates inputs with all conversations of the part {@code train}.
     *
     * @param store opened in the driver
     * @param layers captured layers that the draft reads
     */
    public StoreInputs(
            HiddenStateStore store, List<Integer> layers, HostModel target, DraftConfig draft, DraftVocabulary vocabulary) {
        this(store, layers, target, draft, vocabulary, null);
    }

    /** @param ids of the conversations to train on; null for all of the part {@code train} */
    public StoreInputs(HiddenStateStore store, List<Integer> layers, HostModel target, DraftConfig draft,
            DraftVocabulary vocabulary,
            Set<String> ids) {
        this(store.uri(), store.generation(), store.settings(), StorePlan.of(store, ids), layers, target, draft, vocabulary, null);
    }

    private StoreInputs(String store, int generation, StoreSettings settings, StorePlan plan, List<Integer> layers,
            HostModel target, DraftConfig draft, DraftVocabulary vocabulary, RollingTraining rolling) {
        this.store = store;
        this.generation = generation;
        this.layers = List.copyOf(layers);
        this.target = target;
        this.draftJson = draft.toJson().toString();
        this.targetVocabulary = vocabulary.targetSize();
        this.draftIds = vocabulary.ids().clone();
        this.plan = ShardedPlan.of(plan);
        this.rolling = rolling;
        this.fingerprints = fingerprints(settings, plan.trained());
    }

    /** Creates inputs from a rolling store, whose shards need not be there yet. */
    public static StoreInputs rolling(String store, StoreSettings settings, StorePlan plan, List<Integer> layers,
            HostModel target, DraftConfig draft, DraftVocabulary vocabulary, RollingTraining rolling) {
        return new StoreInputs(store, 1, settings, plan, layers, target, draft, vocabulary, rolling);
    }

    /** Returns how many shards the conversations of a step are in at most. */
    public int shardsOfAStep(TrainSettings settings) {
        BatchPlan steps = new BatchPlan(plan.lengths(), plan.starts(), settings.batches());
        int most = 1;
        for (long step = 0; step < steps.totalSteps(); step++) {
            int[] conversations = steps.conversations(step);
            most = Math.max(most,
                    plan.ordinalOf(conversations[conversations.length - 1]) - plan.ordinalOf(conversations[0]) + 1);
        }
        return most;
    }

    /** Returns how a training of so many epochs uses the shards of a rolling store. */
    public RollingUse use(int epochs) {
        return RollingUse.of(rolling.training(), IntStream.of(plan.shards()).boxed().toList(),
                IntStream.of(plan.heldOutShards()).boxed().toList(), epochs);
    }

    private TreeMap<String, String> fingerprints(StoreSettings settings, BitSet subset) {
        Fingerprints f = settings.fingerprints();
        TreeMap<String, String> all = new TreeMap<>(Map.of(
                "store.target", f.target(),
                "store.tokenizer", f.tokenizer(),
                "store.template", f.template(),
                "store.inputs", f.inputs(),
                "store.settings", f.settings(),
                "store.generation", String.valueOf(generation),
                "store.codec", settings.states().codec().name(),
                "store.teacher_rows", settings.states().teacherRows().text(),
                "train.layers", layers.toString()));
        all.put("draft.vocabulary", Sha256.of(bytes(draftIds)));
        if (subset != null) {
            all.put("train.subset", subset.cardinality() + " conversations, " + Sha256.of(subset.toByteArray()));
        }
        draft().toJson().properties().forEach(e -> all.put("draft." + e.getKey(), e.getValue().toString()));
        return all;
    }

    private static byte[] bytes(int[] ids) {
        ByteBuffer bytes = ByteBuffer.allocate(ids.length * Integer.BYTES);
        bytes.asIntBuffer().put(ids);
        return bytes.array();
    }

    private DraftConfig draft() {
        try {
            return DraftConfig.read(ConfigJson.of("the draft's configuration", new ObjectMapper().readTree(draftJson)));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void check(LossMode mode, CorruptChunks corrupt, Configuration conf) throws IOException {
        StoreSettings settings = rolling == null ? HiddenStateStore.open(store, conf, generation).settings()
                : HiddenStateStore.settings(store, conf);
        settings.requireTeacherRows(mode == LossMode.STRICT ? TeacherRows.STRICT : TeacherRows.ALL, store);
        settings.require("states.hidden_size", draft().targetHiddenSize(), store);
        List<Integer> captured = settings.states().captureLayers();
        if (layers.size() != DraftConfig.CAPTURED || !captured.containsAll(layers)) {
            throw new RefusalException("Invalid layers " + layers + ": store " + store + " holds " + captured
                    + " (expected " + DraftConfig.CAPTURED + " of them)");
        }
        if (rolling == null) {
            requireFiles(conf);
            requireLossRows(StoreShards.of(store, conf, generation), mode, corrupt);
        }
        // A rolling store has no states yet; prepare has quarantined what carries no loss.
    }

    private void requireFiles(Configuration conf) throws IOException {
        RollingStore files = RollingStore.at(store, conf);
        List<Integer> evicted = files.exists() ? files.evicted() : List.of();
        if (!evicted.isEmpty()) {
            throw new RefusalException("Invalid store " + store + ": " + evicted.size() + " of its shards are evicted, shard "
                    + evicted.get(0) + " first (expected store.rolling: true, or a prepare with store.rolling: false, which makes "
                    + "them again)");
        }
    }

    /** Refuses a store whose loss would always be 0. Usually the first conversation has a loss row, and no other is read. */
    private void requireLossRows(StoreShards shards, LossMode mode, CorruptChunks corrupt) {
        int used = plan.lengths().length;
        CorruptChunkException damage = null;
        try (StoreSource source = new StoreSource(shards, plan, StateSelection.NONE)) {
            for (int n = 0; n < used; n++) {
                try {
                    if (source.read(Part.TRAIN, n).filter(c -> teaches(mode, c.sequence().lossMask())).isPresent()) {
                        return;
                    }
                } catch (CorruptChunkException e) {
                    if (corrupt == CorruptChunks.STOP) {
                        throw e;
                    }
                    damage = e;
                }
            }
        }
        if (damage != null) {
            throw damage;
        }
        throw new RefusalException("Invalid store " + store + ": none of the " + used + " conversations to train on carries loss"
                + " (expected one with " + (mode == LossMode.STRICT ? "two supervised tokens in a row" : "a supervised token")
                + ", because train.mode is " + mode.name().toLowerCase(Locale.ROOT) + ")");
    }

    private static boolean teaches(LossMode mode, boolean[] lossMask) {
        return IntStream.range(0, lossMask.length).anyMatch(row -> mode.teaches(lossMask, 0, lossMask.length, row));
    }

    @Override
    public Map<String, String> fingerprints() {
        return fingerprints;
    }

    @Override
    public Opened open(Device device, DType compute, Configuration conf) throws IOException {
        DraftConfig draft = draft();
        DraftVocabulary vocabulary = new DraftVocabulary(targetVocabulary, draftIds);
        StoreShards shards = StoreShards.of(store, conf, generation);
        StoreSource source = new StoreSource(shards, plan, new StateSelection(layers, true),
                rolling == null ? null : rolling.patience());
        try {
            TargetEnds ends = TargetEnds.load(target.folder(conf), compute, device);
            FrozenTarget frozen = new FrozenTarget(ends.embedTokens(), ends.lmHead(), vocabulary, ends.logitSoftCap());
            return new OpenedStore(draft, frozen, source, ends, rolling == null ? Optional.empty()
                    : Optional.of(new RollingWindow(shards, RollingStore.at(store, conf), plan, source, rolling)));
        } catch (IOException | RuntimeException | Error e) {
            source.close();
            throw e;
        }
    }

    private record OpenedStore(DraftConfig draft, FrozenTarget target, HiddenStateSource source, TargetEnds ends,
            Optional<RollingWindow> window)
            implements Opened {

        @Override
        public void close() {
            source.close();
            ends.close();
        }
    }
}
