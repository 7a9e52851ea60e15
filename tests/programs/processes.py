"""What training scripts ask torch.distributed before they run on one machine."""

# --- a script that guards its distributed part
dist = torch.distributed

rank = dist.get_rank() if dist.is_available() and dist.is_initialized() else 0
print(rank, dist.is_initialized(), dist.is_nccl_available(), dist.is_mpi_available(), dist.is_torchelastic_launched())

# --- without a process group
dist = torch.distributed

x = torch.ones(2)
calls = {"get_rank": (), "get_world_size": (), "get_backend": (), "barrier": (), "all_reduce": (x,),
         "broadcast": (x, 0), "reduce": (x, 0), "all_gather": ([x], x), "destroy_process_group": (), "new_group": ()}
for name, arguments in calls.items():
    try:
        getattr(dist, name)(*arguments)
    except Exception as error:
        print(name, type(error).__name__, error)
print(dist.ReduceOp.SUM != dist.ReduceOp.MAX, dist.group.WORLD)

# --- wrapping a model without a process group
model = torch.nn.Linear(1, 1)
print(isinstance(model, torch.nn.parallel.DistributedDataParallel))
torch.nn.parallel.DistributedDataParallel(model)
