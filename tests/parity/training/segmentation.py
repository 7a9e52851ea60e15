"""A small U-Net finds discs in noise: transposed convolution, upsampling, skip connections, a Dice loss."""


def train(torch) -> list[float]:
    nn, F = torch.nn, torch.nn.functional
    torch.manual_seed(23)
    grid = torch.stack(torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij"))
    centres, radii = torch.rand(24, 2, 1, 1) * 12 + 2, torch.rand(24, 1, 1) * 3 + 2
    masks = ((grid - centres).square().sum(1).sqrt() < radii).float().unsqueeze(1)
    images = masks + 0.5 * torch.randn(masks.shape)

    def twice(inputs, outputs):
        first, second = nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(outputs, outputs, 3, padding="same")
        return nn.Sequential(first, nn.GELU(), second, nn.InstanceNorm2d(outputs, affine=True), nn.GELU())

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.down1, self.down2, self.bottom = twice(1, 6), twice(6, 12), twice(12, 12)
            self.up2, self.up1 = nn.ConvTranspose2d(12, 12, 2, stride=2), nn.Upsample(scale_factor=2, mode="bilinear")
            self.join2, self.join1, self.head = twice(24, 6), twice(12, 6), nn.Conv2d(6, 1, 1)

        def forward(self, x):
            a = self.down1(x)
            b = self.down2(F.max_pool2d(a, 2))
            x = self.up2(self.bottom(F.avg_pool2d(b, 2)))
            x = self.up1(self.join2(torch.cat([x, b], 1)))
            return self.head(self.join1(torch.cat([x, a], 1)))

    model = UNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=3)
    losses = []
    for step in range(50):
        part = slice(step % 3 * 8, (step % 3 + 1) * 8)
        wanted, logits = masks[part], model(images[part])
        found = torch.sigmoid(logits)
        common, both = (found * wanted).sum((1, 2, 3)), found.sum((1, 2, 3)) + wanted.sum((1, 2, 3))
        dice = 1 - (2 * common + 1) / (both + 1)
        loss = F.binary_cross_entropy_with_logits(logits, wanted, pos_weight=torch.tensor(2.0)) + dice.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        plateau.step(loss.item())
        losses.append(loss.item())
    return losses
