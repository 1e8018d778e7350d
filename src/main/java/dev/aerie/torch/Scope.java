package dev.aerie.torch;

import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The owner of native memory: every tensor belongs to one scope and is freed with it.
 *
 * <p>{@link #open} pushes a scope onto the thread's stack; tensors that operators return belong to the innermost one. A tensor
 * that must outlive it is moved to another scope with {@link #adopt}. {@link #detached} creates a scope on no stack, for weights
 * and other tensors that a long-lived object owns.
 *
 * <pre>{@code
 * try (Scope layer = Scope.open()) {
 *     Tensor y = ...;          // dies with the layer
 *     wave.adopt(y);           // unless another scope takes it
 * }
 * }</pre>
 *
 * An open scope is closed by the thread that opened it, innermost first. A detached scope may be used by several threads.
 */
public final class Scope implements AutoCloseable {

    private static final ThreadLocal<Deque<Scope>> STACK = ThreadLocal.withInitial(ArrayDeque::new);
    private static final AtomicLong LIVE = new AtomicLong();

    private final boolean onStack;
    private final Scope outer;
    private final Set<Tensor> tensors = Collections.newSetFromMap(new IdentityHashMap<>());
    private boolean closed;

    private Scope(boolean onStack, Scope outer) {
        this.onStack = onStack;
        this.outer = outer;
    }

    /** Opens a scope inside the thread's innermost one. */
    public static Scope open() {
        Scope scope = new Scope(true, STACK.get().peek());
        STACK.get().push(scope);
        return scope;
    }

    /** Returns a scope that is on no thread's stack: it owns only what it adopts. */
    public static Scope detached() {
        return new Scope(false, null);
    }

    /** Returns the number of live tensors in this JVM. */
    public static long liveTensors() {
        return LIVE.get();
    }

    static Scope innermost() {
        Scope scope = STACK.get().peek();
        if (scope == null) {
            throw new IllegalStateException("No scope is open on thread " + Thread.currentThread().getName()
                    + " to own a new tensor (expected a try (Scope ...) around it)");
        }
        return scope;
    }

    /** Moves a tensor from its scope to this one. */
    public Tensor adopt(Tensor tensor) {
        Scope before = tensor.owner();
        if (before != this) {
            before.forget(tensor);
            register(tensor);
            tensor.setOwner(this);
        }
        return tensor;
    }

    /** Moves a tensor of this scope to the scope around it, as a method does with the tensor that it returns. */
    public Tensor release(Tensor tensor) {
        if (outer == null) {
            throw new IllegalStateException("No scope is open around this one to own " + tensor);
        }
        return outer.adopt(tensor);
    }

    synchronized void register(Tensor tensor) {
        if (closed) {
            throw new IllegalStateException("The scope is closed");
        }
        tensors.add(tensor);
    }

    synchronized void forget(Tensor tensor) {
        tensors.remove(tensor);
    }

    static void born() {
        LIVE.incrementAndGet();
    }

    static void died() {
        LIVE.decrementAndGet();
    }

    @Override
    public void close() {
        Tensor[] mine;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            mine = tensors.toArray(Tensor[]::new);
            tensors.clear();
        }
        for (Tensor tensor : mine) {
            tensor.free();
        }
        if (onStack) {
            Deque<Scope> stack = STACK.get();
            if (stack.peek() != this) {
                throw new IllegalStateException("A scope was closed before the scopes opened inside it, or by another thread");
            }
            stack.pop();
        }
    }
}
