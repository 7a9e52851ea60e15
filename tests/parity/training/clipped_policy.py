"""PPO with a Gaussian policy: advantages by GAE, several passes over the same steps, clipped ratios, entropy."""


def train(torch) -> list[float]:
    nn = torch.nn
    torch.manual_seed(36)
    body = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh())
    mean, value, spread = nn.Linear(16, 1), nn.Linear(16, 1), nn.Parameter(torch.zeros(1))
    for layer, gain in ((body[0], 2**0.5), (body[2], 2**0.5), (mean, 0.01), (value, 1.0)):
        nn.init.orthogonal_(layer.weight, gain)
        nn.init.zeros_(layer.bias)
    optimizer = torch.optim.Adam(
        [{"params": [*body.parameters(), *mean.parameters(), spread]}, {"params": value.parameters(), "lr": 1e-3}],
        lr=3e-3, eps=1e-5,
    )  # fmt: skip

    def judged(states):
        hidden = body(states)
        return torch.distributions.Normal(mean(hidden), spread.exp()), value(hidden).squeeze(-1)

    losses = []
    for _ in range(5):
        states, actions, rewards = [], [], []
        state = torch.rand(2) - 0.5
        with torch.no_grad():
            for _ in range(33):  # a ball on a line is pushed; it shall lie still in the middle
                action = judged(state)[0].sample()
                states.append(state)
                actions.append(action)
                speed = 0.9 * state[1] + 0.1 * action[0].clamp(-1, 1)
                state = torch.stack([state[0] + speed, speed])
                rewards.append(-state.square().sum())
            states, actions, rewards = map(torch.stack, (states, actions, rewards))
            policy, worth = judged(states)
            before, advantages, last = policy.log_prob(actions).sum(-1), torch.zeros(32), 0.0
            for t in reversed(range(32)):
                last = rewards[t] + 0.99 * worth[t + 1] - worth[t] + 0.99 * 0.95 * last
                advantages[t] = last
        returns = advantages + worth[:32]
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        for _ in range(5):
            for rows in torch.randperm(32).split(16):
                policy, now = judged(states[rows])
                ratio = torch.exp(policy.log_prob(actions[rows]).sum(-1) - before[rows])
                gain = torch.min(ratio * advantages[rows], ratio.clamp(0.8, 1.2) * advantages[rows]).mean()
                loss = 0.5 * nn.functional.mse_loss(now, returns[rows]) - gain - 0.01 * policy.entropy().mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 0.5)
                optimizer.step()
                losses.append(loss.item())
    return losses
